//! The pictures of a product: they come, are put in order and described, and go. The file is stored
//! between two units: one that records it, one that shows it.

use std::time::Duration;

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    checks::Checks,
    media_file, medium,
    picture::{Picture, WIDTHS},
    product,
    products::{take, tell},
    rendition, variant,
};
use crate::{
    clock,
    errors::{Error, Result},
    gateways::storage::{Key, Storage},
    given::given,
    ids::{CompanyId, FileId, MediaId, ProductId, RowId, VariantId},
    models::{
        companies,
        jobs::{self, Job, Kind},
    },
    tenancy::{Platform, Scope, Souk, Tenant},
};

/// The largest upload, in bytes.
pub const UPLOAD_BYTES_MAX: usize = 10 * 1_024 * 1_024;
const PICTURES_MAX: usize = 20;
const KEPT: &str = "kept";
const DYING: &str = "dying";
/// A file that nobody shows is taken away after so long: an upload may still be on its way to it.
const GRACE: Duration = Duration::from_secs(3_600);

/// What is said of a picture that is added.
#[derive(Clone, Debug, Default)]
pub struct NewPicture {
    pub alt: String,
    pub variant: Option<VariantId>,
}

/// What may be changed of a picture; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PictureChange {
    pub alt: Option<String>,
    #[serde(deserialize_with = "given")]
    pub variant_id: Option<Option<VariantId>>,
    /// Its place among the product's pictures, from 0; the first is the cover.
    pub position: Option<usize>,
}

/// A picture as it stands beside its product, for lists.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shot {
    pub id: MediaId,
    pub key: String,
    pub alt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<VariantId>,
    pub width: i64,
    pub height: i64,
}

impl Shot {
    /// Where it is served.
    #[must_use]
    pub fn url(&self) -> String {
        format!("/media/{}", self.key)
    }

    /// The narrower sizes it is offered in, each with its address.
    #[must_use]
    pub fn renditions(&self) -> Vec<(u32, String)> {
        let Some(key) = Key::parse(&self.key) else { return vec![] };
        let narrower = WIDTHS.into_iter().filter(|width| i64::from(*width) < self.width);
        narrower.map(|width| (width, format!("/media/{}", key.at_width(width)))).collect()
    }

    /// The address of the narrowest size that is at least `width` wide.
    #[must_use]
    pub fn url_for(&self, width: u32) -> String {
        let fits = self.renditions().into_iter().find(|(offered, _)| *offered >= width);
        fits.map_or_else(|| self.url(), |(_, url)| url)
    }
}

impl product::Model {
    /// Its pictures in their order; the first is the cover.
    #[must_use]
    pub fn pictures(&self) -> Vec<Shot> {
        self.gallery.clone().and_then(|gallery| serde_json::from_value(gallery).ok()).unwrap_or_default()
    }
}

/// Adds a picture behind the others: recorded, stored, shown.
///
/// # Errors
/// 404 for a product that is not the caller's; 422; 409 `too_many_pictures`; 503 while the same file
/// is being taken away.
pub async fn add_picture(
    souk: &Souk,
    storage: &dyn Storage,
    tenant: &Tenant,
    product: ProductId,
    picture: &Picture,
    new: &NewPicture,
) -> Result<MediaId> {
    let mut checks = Checks::default();
    checks.text_opt("alt", Some(&new.alt), 200);
    checks.done()?;
    let scope = souk.write(tenant.clone()).await?;
    ensure_room(&scope, product).await?;
    let (file, key) = record(&scope, picture).await?;
    scope.commit().await?;

    storage.put(&key, &picture.bytes).await?;

    let scope = souk.write(tenant.clone()).await?;
    let id = show(&scope, product, file, new).await?;
    scope.commit().await?;
    Ok(id)
}

/// Whether a product of the caller's may have one more picture.
///
/// # Errors
/// 404 for a product that is not the caller's; 409 `too_many_pictures`.
pub async fn ensure_room(scope: &Scope, product: ProductId) -> Result<()> {
    super::products::own(scope, product).await?;
    if pictures_of(scope, product).await?.len() >= PICTURES_MAX {
        return Err(Error::conflict("too_many_pictures", "a product has at most 20 pictures", json!({ "limit": PICTURES_MAX })));
    }
    Ok(())
}

/// Writes down that the file is about to be there.
pub(super) async fn record(scope: &Scope, picture: &Picture) -> Result<(FileId, Key)> {
    let text = format!("{}/{}.{}", scope.company().0.simple(), picture.hash, picture.kind);
    let key = Key::parse(&text).ok_or_else(|| Error::internal("a picture made a key that is none"))?;
    let now = clock::now();
    let row = media_file::Model {
        company_id: scope.company(),
        id: FileId::new(),
        storage_key: text.clone(),
        kind: picture.kind.into(),
        state: KEPT.into(),
        bytes: i64::try_from(picture.bytes.len()).map_err(Error::internal)?,
        width: picture.width.into(),
        height: picture.height.into(),
        created_at: now,
        touched_at: now,
    };
    let id = row.id;
    if scope.insert_unless_there(row, &[media_file::Column::CompanyId, media_file::Column::StorageKey]).await? {
        return Ok((id, key));
    }
    let touch = scope
        .update::<media_file::Entity>()
        .col_expr(media_file::Column::TouchedAt, Expr::value(now))
        .filter(media_file::Column::StorageKey.eq(text))
        .filter(media_file::Column::State.eq(KEPT));
    match scope.run_returning(touch).await?.pop() {
        Some(known) => Ok((known.id, key)),
        None => Err(Error::Unavailable("the same picture is just being taken away".into())),
    }
}

async fn show(scope: &Scope, product: ProductId, file: FileId, new: &NewPicture) -> Result<MediaId> {
    let owner = take(scope, product, None).await?;
    if let Some(variant) = new.variant {
        ensure_variant(scope, product, variant).await?;
    }
    let others = pictures_of(scope, product).await?;
    if others.len() >= PICTURES_MAX {
        return Err(Error::conflict("too_many_pictures", "a product has at most 20 pictures", json!({ "limit": PICTURES_MAX })));
    }
    let row = medium::Model {
        company_id: scope.company(),
        id: MediaId::new(),
        product_id: product,
        variant_id: new.variant,
        file_id: file,
        alt: new.alt.trim().into(),
        position: others.last().map_or(0, |last| last.position + 1),
        created_at: clock::now(),
    };
    scope.insert(row.clone()).await?;
    jobs::enqueue(scope, Kind::Renditions, &file.to_string(), json!({ "fileId": file })).await?;
    keep_gallery(scope, product).await?;
    tell(scope, "update", &owner, vec![("media", json!(null), json!({ "id": row.id, "alt": row.alt }))]).await?;
    Ok(row.id)
}

async fn ensure_variant(scope: &Scope, product: ProductId, id: VariantId) -> Result<()> {
    let found = scope.find::<variant::Entity>().filter(variant::Column::ProductId.eq(product)).filter(variant::Column::Id.eq(id));
    let found = scope.one(found.filter(variant::Column::ArchivedAt.is_null())).await?;
    found.map(|_| ()).ok_or_else(|| Error::invalid("variantId", "unknown", "this product has no such variant"))
}

async fn pictures_of(scope: &Scope, product: ProductId) -> Result<Vec<medium::Model>> {
    let rows = scope.find::<medium::Entity>().filter(medium::Column::ProductId.eq(product));
    scope.all(rows.order_by_asc(medium::Column::Position).order_by_asc(medium::Column::Id)).await
}

/// Describes a picture, or puts it elsewhere in the order.
///
/// # Errors
/// 404; 422.
pub async fn change_picture(scope: &Scope, product: ProductId, id: MediaId, change: PictureChange) -> Result<()> {
    let mut checks = Checks::default();
    checks.text_opt("alt", change.alt.as_deref(), 200);
    checks.done()?;
    let owner = take(scope, product, None).await?;
    let mut all = pictures_of(scope, product).await?;
    let at = all.iter().position(|one| one.id == id).ok_or(Error::NOT_FOUND)?;
    if let Some(Some(variant)) = change.variant_id {
        ensure_variant(scope, product, variant).await?;
    }
    let mut one = all.remove(at);
    let before = json!({ "alt": one.alt, "variantId": one.variant_id, "position": at });
    one.alt = change.alt.map_or(one.alt, |alt| alt.trim().to_owned());
    one.variant_id = change.variant_id.unwrap_or(one.variant_id);
    let to = std::cmp::min(change.position.unwrap_or(at), all.len());
    let after = json!({ "alt": one.alt, "variantId": one.variant_id, "position": to });
    all.insert(to, one);
    for (place, one) in (0_i64..).zip(all) {
        let update = scope
            .update::<medium::Entity>()
            .col_expr(medium::Column::Alt, Expr::value(one.alt))
            .col_expr(medium::Column::VariantId, Expr::value(one.variant_id))
            .col_expr(medium::Column::Position, Expr::value(place))
            .filter(medium::Column::Id.eq(one.id));
        scope.run(update).await?;
    }
    keep_gallery(scope, product).await?;
    tell(scope, "update", &owner, vec![("media", before, after)]).await
}

/// Takes a picture away; its file goes when nobody else shows it.
///
/// # Errors
/// 404.
pub async fn remove_picture(scope: &Scope, product: ProductId, id: MediaId) -> Result<()> {
    let owner = take(scope, product, None).await?;
    let gone = pictures_of(scope, product).await?.into_iter().find(|one| one.id == id).ok_or(Error::NOT_FOUND)?;
    scope.remove(scope.delete::<medium::Entity>().filter(medium::Column::Id.eq(id))).await?;
    keep_gallery(scope, product).await?;
    tell(scope, "update", &owner, vec![("media", json!({ "id": gone.id, "alt": gone.alt }), json!(null))]).await
}

/// Writes beside the product what lists show of its pictures.
async fn keep_gallery(scope: &Scope, product: ProductId) -> Result<()> {
    let rows = pictures_of(scope, product).await?;
    let files = scope.find::<media_file::Entity>().filter(media_file::Column::Id.is_in(rows.iter().map(|row| row.file_id)));
    let files = scope.all(files).await?;
    let shots: Vec<_> = rows
        .into_iter()
        .filter_map(|row| {
            let file = files.iter().find(|file| file.id == row.file_id)?;
            let key = file.storage_key.clone();
            Some(Shot { id: row.id, key, alt: row.alt, variant_id: row.variant_id, width: file.width, height: file.height })
        })
        .collect();
    let update = scope
        .update::<product::Entity>()
        .col_expr(product::Column::Gallery, Expr::value(Some(json!(shots))))
        .filter(product::Column::Id.eq(product));
    scope.run(update).await.map(|_| ())
}

/// A stored file, for the job that makes its renditions; nothing when it has gone meanwhile.
///
/// # Errors
/// When its key is none.
pub async fn file(scope: &Scope, id: FileId) -> Result<Option<Key>> {
    let row = scope.one(scope.find::<media_file::Entity>().filter(media_file::Column::Id.eq(id))).await?;
    row.map(|row| Key::parse(&row.storage_key).ok_or_else(|| Error::internal("a file's key is none"))).transpose()
}

/// Writes down the renditions that were stored, and ends the job; false when its lease was lost.
pub async fn keep_renditions(scope: &Scope, job: &Job, id: FileId, key: &Key, made: &[Picture]) -> Result<bool> {
    let file = scope.one(scope.find::<media_file::Entity>().filter(media_file::Column::Id.eq(id))).await?;
    let made = if file.is_some() { made } else { &[] };
    for picture in made {
        let row = rendition::Model {
            company_id: scope.company(),
            id: RowId::new(),
            file_id: id,
            storage_key: key.at_width(picture.width).to_string(),
            bytes: i64::try_from(picture.bytes.len()).map_err(Error::internal)?,
            width: picture.width.into(),
            height: picture.height.into(),
            created_at: clock::now(),
        };
        let key = [rendition::Column::CompanyId, rendition::Column::FileId, rendition::Column::Width];
        scope.insert_unless_there(row, &key).await?;
    }
    jobs::done(scope, job).await
}

/// The companies that have files which nobody shows any more.
pub async fn companies_with_lonely_files(platform: &Platform) -> Result<Vec<CompanyId>> {
    let question = "SELECT id FROM companies WHERE EXISTS (SELECT 1 FROM media_files f WHERE f.company_id = companies.id \
                    AND f.touched_at < $1 AND NOT EXISTS (SELECT 1 FROM media m WHERE m.company_id = f.company_id AND m.file_id = f.id) \
                    AND (companies.logo IS NULL OR companies.logo <> f.storage_key))";
    let rows = platform.ask(question, vec![clock::now().minus(GRACE).micros().into()]).await?;
    rows.into_iter().map(|row| Ok(CompanyId(row.try_get("", "id")?))).collect()
}

/// Marks the files that nobody shows any more; those that are marked, to be taken away.
pub async fn doomed(scope: &Scope) -> Result<Vec<(FileId, Key)>> {
    const BATCH: u64 = 200;
    let shown = scope
        .find::<medium::Entity>()
        .select_only()
        .column(medium::Column::Id)
        .filter(Expr::col((medium::Entity, medium::Column::FileId)).equals((media_file::Entity, media_file::Column::Id)));
    let mut mark = scope
        .update::<media_file::Entity>()
        .col_expr(media_file::Column::State, Expr::value(DYING))
        .filter(media_file::Column::State.eq(KEPT))
        .filter(media_file::Column::TouchedAt.lt(clock::now().minus(GRACE)))
        .filter(Expr::exists(shown.into_query()).not());
    if let Some(logo) = companies::own(scope).await?.logo {
        mark = mark.filter(media_file::Column::StorageKey.ne(logo));
    }
    scope.run(mark).await?;
    let rows = scope.find::<media_file::Entity>().filter(media_file::Column::State.eq(DYING)).limit(BATCH);
    let rows = scope.all(rows).await?;
    Ok(rows.into_iter().filter_map(|row| Key::parse(&row.storage_key).map(|key| (row.id, key))).collect())
}

/// Forgets a file that was taken away, with its renditions.
pub async fn forget_file(scope: &Scope, id: FileId) -> Result<()> {
    scope.remove(scope.delete::<rendition::Entity>().filter(rendition::Column::FileId.eq(id))).await?;
    let gone = scope.delete::<media_file::Entity>().filter(media_file::Column::Id.eq(id)).filter(media_file::Column::State.eq(DYING));
    scope.remove(gone).await.map(|_| ())
}
