//! A product's whole form at once: its own fields, its variants and the words of its pictures are
//! one person's one act, against what that person saw.

use serde_json::json;

use super::{
    NewVariant, PictureChange, ProductChange, VariantChange,
    checks::Checks,
    pictures, product,
    products::{self, take},
    variant, variants, variants_of,
};
use crate::{
    errors::{Error, Result},
    ids::{MediaId, ProductId, VariantId},
    tenancy::{Scope, keys},
};

/// What a person wrote into a product's form; what is left out stays.
#[derive(Clone, Debug, Default)]
pub struct ProductEdit {
    pub product: ProductChange,
    pub variants: Vec<(VariantId, VariantChange)>,
    /// Each with the name of its row in the form.
    pub added: Vec<(String, NewVariant)>,
    pub retired: Vec<VariantId>,
    /// What pictures show, in words.
    pub alts: Vec<(MediaId, String)>,
}

/// What a form shows of a product and its variants, as one short text: whoever sends it along says
/// what they saw. Pictures are not in it: they are changed by acts of their own.
#[must_use]
pub fn edition(product: &product::Model, variants: &[variant::Model]) -> String {
    let own = products::facts_of(product);
    let sold: Vec<_> = variants.iter().map(|variant| (variant.id, variant.version)).collect();
    keys::hash(json!([own, sold]).to_string().as_bytes()).chars().take(24).collect()
}

/// Writes a form. Fields of a variant are refused as `variants.<id or row>.<field>`, words of a
/// picture as `pictures.<id>.alt`.
///
/// # Errors
/// 404 for a product that is not the caller's; [`Error::Stale`] when it is no longer as it was
/// `seen`; 422; 409 `last_variant`, `too_many_variants`.
pub async fn edit_product(scope: &Scope, id: ProductId, edit: ProductEdit, seen: &str) -> Result<()> {
    check(&edit)?;
    let before = take(scope, id, None).await?;
    let present = variants_of(scope, &[id]).await?.remove(&id).unwrap_or_default();
    if edition(&before, &present) != seen {
        return Err(Error::Stale);
    }
    if !edit.product.is_idle(&before) {
        products::apply(scope, before.clone(), edit.product).await?;
    }
    for (variant, change) in edit.variants.into_iter().filter(|(id, _)| !edit.retired.contains(id)) {
        let written = variants::change_variant(scope, id, variant, change, None).await;
        written.map_err(|error| error.at_field(&format!("variants.{variant}.")))?;
    }
    for (row, new) in edit.added {
        let written = variants::add_variant(scope, id, new).await;
        written.map_err(|error| error.at_field(&format!("variants.{row}.")))?;
    }
    for variant in edit.retired {
        variants::archive_variant(scope, id, variant, None).await?;
    }
    let shots = before.pictures();
    for (picture, alt) in edit.alts {
        if shots.iter().any(|shot| shot.id == picture && shot.alt != alt.trim()) {
            pictures::change_picture(scope, id, picture, PictureChange { alt: Some(alt), ..PictureChange::default() }).await?;
        }
    }
    Ok(())
}

/// All that is wrong with a form, before anything of it is written.
fn check(edit: &ProductEdit) -> Result<()> {
    let mut checks = Checks::default();
    edit.product.check(&mut checks);
    for (id, change) in &edit.variants {
        change.check(&mut checks, &format!("variants.{id}."));
    }
    for (row, new) in &edit.added {
        new.check(&mut checks, &format!("variants.{row}."));
    }
    for (id, alt) in &edit.alts {
        checks.text_opt(&format!("pictures.{id}.alt"), Some(alt), 200);
    }
    checks.done()
}
