//! The witness outside the database: `checkpoints.log` in the data folder, a line for each head of
//! a chain at a moment, and for each place where a chain begins since older entries were let go.
//!
//! A line is `<company> <head|start> <number> <hash> <key> <mac>`.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, create_dir_all},
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use fs4::fs_std::FileExt;

use super::checkpoint;
use crate::{
    clock,
    errors::{Error, Result},
    ids::{CompanyId, RowId},
    tenancy::{Scope, Souk, keys},
};

/// What a line says about a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It was the newest.
    Head,
    /// It is the last that was let go.
    Start,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Start => "start",
        }
    }
}

/// What the witness says of one company's chain: hashes by number.
#[derive(Debug, Default)]
pub(super) struct Witness {
    pub heads: BTreeMap<i64, String>,
    pub starts: BTreeMap<i64, String>,
    /// Lines that nobody of ours wrote, by number.
    pub forged: Vec<String>,
}

/// Writes a line outside the database, and its copy into it.
///
/// Outside first: a witness without its copy is complained about by nobody, a copy without its
/// witness would be.
pub(super) async fn testify(scope: &Scope, kind: Kind, number: i64, hash: &str) -> Result<()> {
    let souk = scope.souk();
    let company = scope.company();
    let key = souk.keys().newest();
    let mac = keys::mac(&key.checkpoints, said(company, kind.name(), &number.to_string(), hash).as_bytes());
    let line = format!("{company} {} {number} {hash} {} {mac}\n", kind.name(), key.id);
    let row = checkpoint::Model {
        company_id: company,
        id: RowId::new(),
        kind: kind.name().into(),
        hash: hash.into(),
        mac,
        number,
        created_at: clock::now(),
    };
    scope.insert(row).await?;
    let path = souk.settings().data_dir.join("checkpoints.log");
    tokio::task::spawn_blocking(move || append(&path, &line)).await.map_err(Error::internal)?.map_err(Error::internal)
}

fn said(company: CompanyId, kind: &str, number: &str, hash: &str) -> String {
    format!("{company}:{kind}:{number}:{hash}")
}

/// Appends one whole line, whoever else does at the same moment, and behind a torn one on a line of its own.
fn append(path: &Path, line: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    FileExt::lock_exclusive(&file)?;
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let gap = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{gap}{line}").as_bytes())?;
    file.sync_data()
}

/// How much the witness had said at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Testimony {
    bytes: u64,
}

/// How much the witness has said by now: whole lines, since whoever writes one holds the lock.
pub async fn heard_so_far(souk: &Souk) -> Result<Testimony> {
    let path = souk.settings().data_dir.join("checkpoints.log");
    let length = move || {
        let Ok(file) = File::open(path) else { return Ok(0) };
        FileExt::lock_shared(&file)?;
        file.metadata().map(|data| data.len())
    };
    let bytes = tokio::task::spawn_blocking(length).await.map_err(Error::internal)?.map_err(Error::internal)?;
    Ok(Testimony { bytes })
}

/// Reads what the witness had said of a company by then.
pub(super) async fn hear(souk: &Souk, company: CompanyId, heard: Testimony) -> Result<Witness> {
    let path = souk.settings().data_dir.join("checkpoints.log");
    let souk = souk.clone();
    tokio::task::spawn_blocking(move || read(&souk, &path, company, heard)).await.map_err(Error::internal)?.map_err(Error::internal)
}

fn read(souk: &Souk, path: &Path, company: CompanyId, heard: Testimony) -> std::io::Result<Witness> {
    let mut witness = Witness::default();
    let Ok(file) = File::open(path) else { return Ok(witness) };
    let of = company.to_string();
    for line in BufReader::new(file.take(heard.bytes)).lines() {
        let line = line?;
        let parts: Vec<_> = line.split(' ').collect();
        let [whose, kind, number, hash, key, mac] = parts.as_slice() else { continue };
        if *whose != of {
            continue;
        }
        let genuine = souk
            .keys()
            .of(key)
            .is_some_and(|key| keys::is_same(&keys::mac(&key.checkpoints, said(company, kind, number, hash).as_bytes()), mac));
        match (genuine, number.parse(), *kind) {
            (true, Ok(number), "head") => witness.heads.insert(number, (*hash).to_owned()),
            (true, Ok(number), "start") => witness.starts.insert(number, (*hash).to_owned()),
            _ => {
                witness.forged.push((*number).to_owned());
                None
            }
        };
    }
    Ok(witness)
}
