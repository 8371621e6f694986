//! Where files lie: in the data folder. A key is a company and a name made of the file's content,
//! so a file under a key never changes.

use std::path::PathBuf;

use async_trait::async_trait;
use tokio::{fs, io::AsyncWriteExt};
use uuid::Uuid;

use crate::{
    errors::{Error, Result},
    settings::Settings,
};

/// Files by key. What was put is there after a crash; put twice is put once.
#[async_trait]
pub trait Storage: Send + Sync {
    async fn put(&self, key: &Key, bytes: &[u8]) -> Result<()>;
    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>>;
    async fn delete(&self, key: &Key) -> Result<()>;
}

/// `<company>/<hash>[-<width>].<jpg or webp>`: a shape that cannot leave its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Reads a key as it stands in an address or a row.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (company, file) = text.split_once('/')?;
        let (name, kind) = file.split_once('.')?;
        let (hash, width) = name.split_once('-').unwrap_or((name, "0"));
        let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let fits = company.len() == 32 && is_hex(company) && hash.len() == 64 && is_hex(hash);
        let fits = fits && (1..=4).contains(&width.len()) && width.bytes().all(|byte| byte.is_ascii_digit());
        (fits && matches!(kind, "jpg" | "webp")).then(|| Self(text.to_owned()))
    }

    /// The same picture, so many pixels wide.
    #[must_use]
    pub fn at_width(&self, width: u32) -> Self {
        let (name, kind) = self.0.rsplit_once('.').unwrap_or((&self.0, "jpg"));
        Self(format!("{name}-{width}.{kind}"))
    }

    /// The picture that a rendition was made of; itself, when it is none.
    #[must_use]
    pub fn original(&self) -> Self {
        let (name, kind) = self.0.rsplit_once('.').unwrap_or((&self.0, "jpg"));
        Self(format!("{}.{kind}", name.split('-').next().unwrap_or(name)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The media type by which it is served.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        if self.0.ends_with(".webp") { "image/webp" } else { "image/jpeg" }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The storage that the settings name.
#[must_use]
pub fn of(settings: &Settings) -> Box<dyn Storage> {
    Box::new(Folder { root: settings.data_dir.join("media") })
}

/// Files below the data folder.
struct Folder {
    root: PathBuf,
}

#[async_trait]
impl Storage for Folder {
    /// Written beside its place and then moved there, so that nobody ever sees half a file.
    async fn put(&self, key: &Key, bytes: &[u8]) -> Result<()> {
        let place = self.root.join(key.as_str());
        let folder = place.parent().ok_or_else(|| Error::internal("a key without a folder"))?;
        fs::create_dir_all(folder).await.map_err(Error::internal)?;
        let beside = folder.join(format!(".{}", Uuid::now_v7().simple()));
        let mut file = fs::File::create(&beside).await.map_err(Error::internal)?;
        file.write_all(bytes).await.map_err(Error::internal)?;
        file.sync_all().await.map_err(Error::internal)?;
        fs::rename(&beside, &place).await.map_err(Error::internal)
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        match fs::read(self.root.join(key.as_str())).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::internal(error)),
        }
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        match fs::remove_file(self.root.join(key.as_str())).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::internal(error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn a_key_cannot_leave_its_folder() {
        let good = format!("{}/{}.jpg", "a".repeat(32), "0".repeat(64));
        let key = Key::parse(&good).map(|key| key.at_width(480));
        assert_eq!(key.as_ref().map(|key| key.original().to_string()), Some(good.clone()));
        assert_eq!(key.map(|key| key.to_string()), Some(format!("{}/{}-480.jpg", "a".repeat(32), "0".repeat(64))));
        let hash = "0".repeat(64);
        for bad in
            [format!("../{hash}.jpg"), format!("{}/../{hash}.jpg", "a".repeat(32)), good.replace("jpg", "svg"), good.replace('a', "A")]
        {
            assert_eq!(Key::parse(&bad), None, "{bad}");
        }
    }
}
