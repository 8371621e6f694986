//! The company's goods: the list, what is done with several at once, and the list as a file.

mod editor;
mod pictures;
mod written;

use std::{collections::BTreeMap, sync::Arc};

use axum::response::{Html, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use self::editor::percent;
use super::super::{PageResult, Visitor, export, fields::Fields, lists::Listing, shelf::amount, visitor::said};
use crate::{
    controllers::{
        extract::Query,
        page::{open, seal},
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{CategoryId, ProductId, ShopId, VariantId},
    models::{
        catalog::{self, Category, Filter, Position, Product, ProductChange, Shown, Sort, Standing, Variant},
        companies::{self, Company},
        inventory::{self, Stock},
        shops,
    },
    tenancy::{
        Access, Permission, Scope,
        roles::{ProductsUpdate, ProductsWrite},
    },
    translated,
    views::templates,
};

const LIST: &str = "/company/products";
const ROWS: u64 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct List {
    q: String,
    category: String,
    brand: String,
    status: String,
    stock: String,
    shop: String,
    sort: String,
    cursor: Option<String>,
}

/// What a product's standing is called in the list's address.
const STANDINGS: [(&str, Standing); 3] = [("active", Standing::OnSale), ("draft", Standing::Draft), ("archived", Standing::Archived)];

/// How the stock of a product stands.
const STOCKS: [&str; 3] = ["in", "low", "out"];

const SORTS: [(&str, Sort); 4] = [("newest", Sort::Newest), ("name", Sort::Name), ("price", Sort::PriceUp), ("-price", Sort::PriceDown)];

/// The questions people ask daily.
const VIEWS: [(&str, &str); 6] = [
    ("products.view.all", ""),
    ("products.status.active", "status=active"),
    ("products.status.draft", "status=draft"),
    ("products.stock.low", "stock=low"),
    ("products.stock.out", "stock=out"),
    ("products.status.archived", "status=archived"),
];

fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

impl List {
    fn standing(&self) -> Standing {
        STANDINGS.iter().find(|(name, _)| *name == self.status).map_or(Standing::Kept, |(_, standing)| *standing)
    }

    fn sort(&self) -> Sort {
        let has_words = !catalog::fold(&self.q).is_empty();
        let otherwise = if has_words { Sort::Relevance } else { Sort::Newest };
        SORTS.iter().find(|(name, _)| *name == self.sort).map_or(otherwise, |(_, sort)| *sort)
    }

    fn shop(&self) -> Option<ShopId> {
        self.shop.parse().ok()
    }

    /// What the list is narrowed to, without the questions about stock.
    fn filter(&self) -> Filter {
        Filter {
            words: given(&self.q),
            category: given(&self.category),
            brand: given(&self.brand),
            shop: self.shop(),
            handled: true,
            standing: self.standing(),
            ..Filter::default()
        }
    }

    /// The filter with its questions about stock, asked as this scope sees it.
    fn filter_in(&self, scope: &Scope) -> Filter {
        let left = || inventory::left(scope, self.shop(), catalog::of_variant());
        let short = || inventory::running_short(scope, self.shop(), catalog::of_variant());
        let filter = self.filter();
        match self.stock.as_str() {
            "in" => Filter { in_stock: Some(left()), ..filter },
            "low" => Filter { in_stock: Some(left()), short: Some(short()), ..filter },
            "out" => Filter { sold_out: Some(left()), ..filter },
            _ => filter,
        }
    }

    /// What a cursor of this list is bound to.
    fn bound(&self) -> String {
        format!("portal products {:?} {} {:?}", self.filter(), self.stock, self.sort())
    }
}

async fn index(visitor: Visitor<ProductsUpdate>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let (company, data) = products_page(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/products/index.html", &company, data)
}

async fn products_page(visitor: &Visitor<ProductsUpdate>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let after = open::<Position>(access.souk(), &list.bound(), list.cursor.as_deref())?;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let found = catalog::list(&scope, &list.filter_in(&scope), list.sort(), after.as_ref(), ROWS).await?;
    let next = found.next.map(|next| seal(access.souk(), &list.bound(), next)).transpose()?;
    let shelves = Shelves::of(&scope, &found.products, list.shop()).await?;
    let names = shops::names(&scope).await?;
    let rows: Vec<_> = found.products.iter().map(|shown| row(shown, &shelves, &names, &visitor.language)).collect();
    let tree = catalog::categories(&scope).await?;
    let categories = paths(&tree, &visitor.language);
    let brands = catalog::brands(&scope).await?;
    let mine = shops::list(&scope).await?;
    let name_of = |options: &[(String, String)], slug: &str| {
        options.iter().find(|(value, _)| value == slug).map_or_else(|| slug.to_owned(), |(_, name)| name.clone())
    };
    let brands: Vec<_> = brands.into_iter().map(|brand| (brand.slug, brand.name)).collect();
    let slugs: Vec<_> = categories.iter().map(|(category, path)| (category.slug.clone(), path.clone())).collect();
    let word = |group: &str, value: &str| if value.is_empty() { String::new() } else { visitor.text(&format!("products.{group}.{value}")) };
    let chips = vec![
        ("q", visitor.text("ui.search"), list.q.clone()),
        ("category", visitor.text("products.col.category"), name_of(&slugs, &list.category)),
        ("brand", visitor.text("products.col.brand"), name_of(&brands, &list.brand)),
        ("status", visitor.text("products.col.status"), word("status", &list.status)),
        ("stock", visitor.text("products.col.stock"), word("stock", &list.stock)),
        ("shop", visitor.text("products.col.shop"), list.shop().and_then(|id| names.get(&id).cloned()).unwrap_or_default()),
        ("sort", visitor.text("products.sort"), word("sort", &list.sort)),
    ];
    let options = |pairs: &[(String, String)]| -> Vec<Value> {
        pairs.iter().map(|(value, label)| json!({ "value": value, "label": label })).collect()
    };
    let keyed = |group: &str, value: &str| json!({ "value": value, "label_key": format!("products.{group}.{value}") });
    let data = json!({
        "rows": rows, "list": visitor.list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }).await?,
        "filter": {
            "q": list.q, "category": list.category, "brand": list.brand, "status": list.status, "stock": list.stock, "shop": list.shop,
            "sort": list.sort,
        },
        "categories": options(&slugs), "brands": options(&brands),
        "to_categories": categories.iter().map(|(category, path)| json!({ "value": category.id, "label": path })).collect::<Vec<_>>(),
        "shops": mine.iter().map(|shop| json!({ "value": shop.id, "label": shop.name })).collect::<Vec<_>>(),
        "statuses": STANDINGS.map(|(name, _)| keyed("status", name)),
        "stocks": STOCKS.map(|name| keyed("stock", name)),
        "sorts": SORTS.map(|(name, _)| keyed("sort", name)),
        "is_archive": list.standing() == Standing::Archived, "can_write": access.tenant().may(ProductsWrite::NAME),
    });
    Ok((company, data))
}

/// What the products of a page are sold as, and how much of that lies in the shops one sees.
struct Shelves {
    variants: BTreeMap<ProductId, Vec<Variant>>,
    stock: BTreeMap<VariantId, Vec<Stock>>,
}

impl Shelves {
    /// Two statements, however many products.
    async fn of(scope: &Scope, products: &[Shown], shop: Option<ShopId>) -> Result<Self> {
        let ids: Vec<_> = products.iter().map(|shown| shown.product.id).collect();
        let variants = catalog::variants_of(scope, &ids).await?;
        let ids: Vec<_> = variants.values().flatten().map(|variant| variant.id).collect();
        let mut stock = inventory::of_variants(scope, &ids).await?;
        for rows in stock.values_mut() {
            rows.retain(|row| row.shop_id.is_some_and(|id| shop.is_none_or(|shop| shop == id)));
        }
        Ok(Self { variants, stock })
    }

    fn variants(&self, product: ProductId) -> &[Variant] {
        self.variants.get(&product).map(Vec::as_slice).unwrap_or_default()
    }

    fn available(&self, variant: VariantId) -> i64 {
        self.rows(variant).map(|row| row.on_hand - row.reserved).sum()
    }

    fn rows(&self, variant: VariantId) -> impl Iterator<Item = &Stock> {
        self.stock.get(&variant).into_iter().flatten()
    }

    /// How much is left of a product and how that stands: pieces and kilograms are never one sum.
    fn left(&self, product: ProductId) -> (String, &'static str) {
        let variants = self.variants(product);
        let sum = |by_weight: bool| -> Option<String> {
            let mut sold_so = variants.iter().filter(|variant| (variant.sold_by == "weight") == by_weight).peekable();
            sold_so.peek()?;
            Some(amount(sold_so.map(|variant| self.available(variant.id)).sum(), by_weight))
        };
        let text: Vec<_> = [sum(false), sum(true)].into_iter().flatten().collect();
        let rows = || variants.iter().flat_map(|variant| self.rows(variant.id));
        let state = match () {
            () if rows().all(|row| row.on_hand <= row.reserved) => "out",
            () if rows().any(|row| row.level().is_some()) => "low",
            () => "in",
        };
        (text.join(" + "), state)
    }
}

/// How a product stands, in the words of the list.
pub(super) fn standing_of(product: &Product) -> &'static str {
    match () {
        () if product.archived_at.is_some() => "archived",
        () if product.is_active => "active",
        () => "draft",
    }
}

fn row(shown: &Shown, shelves: &Shelves, shops: &BTreeMap<ShopId, String>, language: &str) -> Value {
    let product = &shown.product;
    let variants = shelves.variants(product.id);
    let (left, state) = shelves.left(product.id);
    let dearest = variants.iter().map(|variant| variant.price).max();
    json!({
        "id": product.id, "name": translated::name(&product.translations, language).unwrap_or(&product.name), "status": standing_of(product), "price": product.price_from,
        "is_from": dearest.is_some_and(|dearest| dearest > product.price_from), "by_weight": variants.iter().any(|one| one.sold_by == "weight"),
        "sku": variants.first().map(|variant| variant.sku.as_str()), "variants": variants.len(),
        "category": shown.category.as_ref().map(|category| category.name.as_str()), "brand": shown.brand.as_ref().map(|brand| brand.name.as_str()),
        "shop": product.shop_id.and_then(|shop| shops.get(&shop)), "left": left, "stock": state,
        "picture": product.pictures().first().map(|shot| shot.url_for(160)),
    })
}

/// The categories with their way from the root, `Phones › Android`, in a person's language.
pub(super) fn paths<'a>(categories: &'a [Category], language: &str) -> Vec<(&'a Category, String)> {
    let by_id: BTreeMap<CategoryId, &Category> = categories.iter().map(|one| (one.id, one)).collect();
    let path = |category: &Category| {
        let mut names = vec![category.name_in(language)];
        let mut above = category.parent_id;
        // A tree has no cycles; a look that ends says so once more.
        while let Some(one) = above.and_then(|id| by_id.get(&id)).filter(|_| names.len() < 12) {
            names.push(one.name_in(language));
            above = one.parent_id;
        }
        names.reverse();
        names.join(" › ")
    };
    let mut paths: Vec<_> = categories.iter().map(|category| (category, path(category))).collect();
    paths.sort_by_cached_key(|(_, path)| catalog::fold(path));
    paths
}

const COLUMNS: [&str; 17] = [
    "product",
    "slug",
    "status",
    "category",
    "brand",
    "shop",
    "sku",
    "barcode",
    "variant",
    "sold_by",
    "currency",
    "price",
    "compare_at",
    "cost",
    "available",
    "featured",
    "tax_code",
];

/// What is filtered, as CSV, a line for each variant; the same for the chosen rows.
async fn export(visitor: Visitor<ProductsUpdate>, Query(list): Query<List>) -> PageResult<Response> {
    let look = visitor.look();
    let access = Arc::new(visitor.access);
    let csv = export::csv("products", &COLUMNS, move |after: Option<Position>| {
        let (access, list) = (access.clone(), list.clone());
        async move {
            let scope = access.read().await?;
            // By name, so that the file does not depend on how the list was sorted.
            let found = catalog::list(&scope, &list.filter_in(&scope), Sort::Name, after.as_ref(), export::ROWS).await?;
            Ok((lines(&scope, &found.products, list.shop()).await?, found.next))
        }
    });
    csv.await.map_err(|error| look.with(error))
}

async fn export_chosen(visitor: Visitor<ProductsUpdate>, fields: Fields) -> PageResult<Response> {
    let rows = chosen_lines(&visitor.access, &fields).await.map_err(|error| visitor.refuse(error))?;
    let csv = export::csv("products", &COLUMNS, move |_: Option<()>| std::future::ready(Ok((rows.clone(), None))));
    csv.await.map_err(|error| visitor.refuse(error))
}

async fn chosen_lines(access: &Access<ProductsUpdate>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let ids = chosen(fields);
    let found = catalog::these(&scope, &ids).await?;
    if found.len() < ids.len() {
        return Err(Error::NOT_FOUND);
    }
    lines(&scope, &found, None).await
}

/// A line for each variant of some products.
async fn lines(scope: &Scope, products: &[Shown], shop: Option<ShopId>) -> Result<Vec<Vec<String>>> {
    let shelves = Shelves::of(scope, products, shop).await?;
    let currency = companies::own(scope).await?.currency;
    let names = shops::names(scope).await?;
    let of_product = |shown: &Shown| {
        let product = &shown.product;
        let with_cost = catalog::knows_cost(scope.tenant(), product.shop_id);
        let tax_code = catalog::Facts::of(product).tax_code.unwrap_or_default();
        let line = |variant: &Variant| {
            vec![
                product.name.clone(),
                product.slug.clone(),
                standing_of(product).into(),
                shown.category.as_ref().map(|one| one.slug.clone()).unwrap_or_default(),
                shown.brand.as_ref().map(|one| one.slug.clone()).unwrap_or_default(),
                product.shop_id.and_then(|shop| names.get(&shop).cloned()).unwrap_or_default(),
                variant.sku.clone(),
                variant.barcode.clone().unwrap_or_default(),
                variant.name.clone(),
                variant.sold_by.clone(),
                currency.clone(),
                variant.price.plain(),
                variant.compare_at_price.map(|price| price.plain()).unwrap_or_default(),
                if with_cost { variant.cost.plain() } else { String::new() },
                shelves.available(variant.id).to_string(),
                product.is_featured.to_string(),
                tax_code.clone(),
            ]
        };
        shelves.variants(product.id).iter().map(line).collect::<Vec<_>>()
    };
    Ok(products.iter().flat_map(of_product).collect())
}

/// The chosen products of a page: at most as many as one has.
fn chosen(fields: &Fields) -> Vec<ProductId> {
    let mut ids: Vec<ProductId> = fields.all("ids").iter().take(100).filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// What is done with the whole of a product.
#[derive(Clone, Copy, Debug)]
enum Act {
    Publish,
    Hide,
    Archive,
    Restore,
    /// Into a category, or into none.
    Hang(Option<CategoryId>),
}

impl Act {
    async fn on(self, scope: &Scope, id: ProductId) -> Result<()> {
        let change = match self {
            Self::Archive => return catalog::archive(scope, id, None).await,
            Self::Restore => return catalog::restore(scope, id).await,
            Self::Publish => ProductChange { is_active: Some(true), ..ProductChange::default() },
            Self::Hide => ProductChange { is_active: Some(false), ..ProductChange::default() },
            Self::Hang(category) => ProductChange { category_id: Some(category), ..ProductChange::default() },
        };
        catalog::change_product(scope, id, change, None).await
    }

    /// The text that says of how many it was done.
    const fn said(self) -> &'static str {
        match self {
            Self::Publish => "products.published",
            Self::Hide => "products.hidden",
            Self::Archive => "products.archived",
            Self::Restore => "products.restored",
            Self::Hang(_) => "products.categorised",
        }
    }
}

/// Does it with each chosen product, each in a unit of its own: what is refused for one is done for
/// the rest, and said.
async fn each<P: Permission>(visitor: &Visitor<P>, fields: &Fields, act: Act) -> PageResult<Redirect> {
    let (mut done, mut lines) = (0, Vec::new());
    for id in chosen(fields) {
        if let Err(error) = with_one(&visitor.access, id, act).await {
            let name = name_of(&visitor.access, id).await.map_err(|error| visitor.refuse(error))?;
            lines.push(format!("{name} {}", not_done(&error, &visitor.language)));
        } else {
            done += 1;
        }
    }
    let tone = if lines.is_empty() { "ok" } else { "warn" };
    let text = templates::filled(act.said(), &visitor.language, &[("n", &done)]);
    Ok(visitor.tell(&visitor.list_at(LIST), tone, &text, &lines))
}

async fn with_one<P: Permission>(access: &Access<P>, id: ProductId, act: Act) -> Result<()> {
    let scope = access.write().await?;
    act.on(&scope, id).await?;
    scope.commit().await
}

/// What a product is called, for a line about it; nothing where it may not be seen.
async fn name_of<P: Permission>(access: &Access<P>, id: ProductId) -> Result<String> {
    let scope = access.read().await?;
    let found = catalog::these(&scope, &[id]).await?;
    Ok(found.into_iter().next().map(|shown| format!("{}:", shown.product.name)).unwrap_or_default())
}

/// Why a product was left as it is: one that is there and cannot be written is the whole company's.
fn not_done(error: &Error, language: &str) -> String {
    match error {
        Error::NotFound { .. } => templates::text("products.not_yours", language),
        other => said(other, language),
    }
}

async fn publish(visitor: Visitor<ProductsUpdate>, fields: Fields) -> PageResult<Redirect> {
    each(&visitor, &fields, Act::Publish).await
}

async fn hide(visitor: Visitor<ProductsUpdate>, fields: Fields) -> PageResult<Redirect> {
    each(&visitor, &fields, Act::Hide).await
}

async fn archive(visitor: Visitor<ProductsWrite>, fields: Fields) -> PageResult<Redirect> {
    each(&visitor, &fields, Act::Archive).await
}

async fn restore(visitor: Visitor<ProductsWrite>, fields: Fields) -> PageResult<Redirect> {
    each(&visitor, &fields, Act::Restore).await
}

/// Hangs the chosen products into a category, or with an empty choice into none.
async fn categorise(visitor: Visitor<ProductsUpdate>, mut fields: Fields) -> PageResult<Redirect> {
    let category = fields.maybe::<CategoryId>("category");
    match fields.end() {
        Ok(()) => each(&visitor, &fields, Act::Hang(category)).await,
        Err(error) => visitor.back(&visitor.list_at(LIST), error),
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let list = vec![
        get::<ProductsUpdate, _>("/company/products", "Products", index),
        get::<ProductsUpdate, _>("/company/products/export.csv", "Products as CSV", export),
        post::<ProductsUpdate, _>("/company/products/chosen.csv", "Chosen products as CSV", export_chosen),
        post::<ProductsUpdate, _>("/company/products/publish", "Puts the chosen products on sale", publish),
        post::<ProductsUpdate, _>("/company/products/hide", "Takes the chosen products off sale", hide),
        post::<ProductsUpdate, _>("/company/products/category", "Hangs the chosen products into a category", categorise),
        post::<ProductsWrite, _>("/company/products/archive", "Archives the chosen products", archive),
        post::<ProductsWrite, _>("/company/products/restore", "Puts the chosen archived products back", restore),
    ];
    [list, editor::endpoints(), pictures::endpoints()].concat()
}
