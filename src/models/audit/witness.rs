//! The witness outside the database: `checkpoints.log` in the data folder, a line for each head of
//! a chain at a moment, and for each place where a chain begins since older entries were let go.
//!
//! A line is `<company> <head|start> <number> <hash> <key> <mac>`. The table `audit_checkpoints` has a
//! copy of each: what the table says and the file does not was taken from the file, or the file is
//! not the one that was written.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions, create_dir_all},
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use fs4::fs_std::FileExt;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::checkpoint;
use crate::{
    clock,
    errors::{Error, Result},
    ids::{CompanyId, RowId},
    tenancy::{Scope, Souk, keys},
};

/// Copies that are read at once.
const PAGE: u64 = 500;

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
    /// All that it says by now, later lines too: what, of which link, and its hash.
    told: BTreeSet<(String, i64, String)>,
}

impl Witness {
    /// Whether it has the line of a copy.
    pub fn has(&self, copy: &checkpoint::Model) -> bool {
        self.told.contains(&(copy.kind.clone(), copy.number, copy.hash.clone()))
    }
}

/// Writes a line outside the database, and its copy into it.
///
/// Outside before the copy is committed: a line without its copy is what an end at the wrong moment
/// leaves, a copy without its line is a fault.
pub(super) async fn testify(scope: &Scope, kind: Kind, number: i64, hash: &str) -> Result<()> {
    let souk = scope.souk();
    let company = scope.company();
    let key = souk.keys().newest();
    let mac = keys::mac(&key.checkpoints, said(company, kind.name(), &number.to_string(), hash).as_bytes());
    let line = line(company, kind.name(), number, hash, &key.id, &mac);
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
    write(souk, line).await
}

fn line(company: CompanyId, kind: &str, number: i64, hash: &str, key: &str, mac: &str) -> String {
    format!("{company} {kind} {number} {hash} {key} {mac}\n")
}

async fn write(souk: &Souk, lines: String) -> Result<()> {
    let path = souk.settings().data_dir.join("checkpoints.log");
    tokio::task::spawn_blocking(move || append(&path, &lines)).await.map_err(Error::internal)?.map_err(Error::internal)
}

/// The copies in the database whose lines the witness of the unit's company lacks, by the number of
/// their link. They are read page by page: a chain has one for each time it was sealed.
pub(super) async fn lacking(scope: &Scope, witness: &Witness) -> Result<Vec<checkpoint::Model>> {
    use checkpoint::{Column, Entity};
    let mut lacking = vec![];
    let mut after: Option<RowId> = None;
    loop {
        let mut page = scope.find::<Entity>();
        if let Some(after) = after {
            page = page.filter(Column::Id.gt(after));
        }
        let page = scope.all(page.order_by_asc(Column::Id).limit(PAGE)).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        lacking.extend(page.into_iter().filter(|copy| !witness.has(copy)));
    }
    if !lacking.is_empty() {
        // A copy is committed behind its line, so that one of a line which came after the file was read has it by now.
        let now = hear(scope.souk(), scope.company(), heard_so_far(scope.souk()).await?).await?;
        lacking.retain(|copy| !now.has(copy));
        lacking.sort_by_key(|copy| copy.number);
    }
    Ok(lacking)
}

/// What the witness lacked of its copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lacking {
    /// Copies with the mark of one of our keys.
    pub genuine: usize,
    /// Copies that nobody of ours wrote: the witness is not given those.
    pub forged: usize,
}

/// How much the witness lacks of its copies of the unit's company; with `apply` it is told again
/// what is genuine, which is written into the audit.
///
/// # Errors
/// When the database is away, or the data folder cannot be written.
pub async fn renew(scope: &Scope, apply: bool) -> Result<Lacking> {
    let souk = scope.souk();
    let witness = hear(souk, scope.company(), heard_so_far(souk).await?).await?;
    let mut lacking = Lacking::default();
    let mut lines = String::new();
    for copy in self::lacking(scope, &witness).await? {
        let said = said(copy.company_id, &copy.kind, &copy.number.to_string(), &copy.hash);
        let key = souk.keys().all().find(|key| keys::is_same(&keys::mac(&key.checkpoints, said.as_bytes()), &copy.mac));
        match key {
            Some(key) => {
                lacking.genuine += 1;
                lines += &line(copy.company_id, &copy.kind, copy.number, &copy.hash, &key.id, &copy.mac);
            }
            None => lacking.forged += 1,
        }
    }
    if apply && lacking.genuine > 0 {
        let changes = vec![("entries", json!(null), json!(lacking.genuine))];
        scope.audit("renew_witness", "audit", scope.company(), None, changes).await?;
        write(souk, lines).await?;
    }
    Ok(lacking)
}

fn said(company: CompanyId, kind: &str, number: &str, hash: &str) -> String {
    format!("{company}:{kind}:{number}:{hash}")
}

/// Appends whole lines, whoever else does at the same moment, and behind a torn one on lines of their own.
fn append(path: &Path, lines: &str) -> std::io::Result<()> {
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
    file.write_all(format!("{gap}{lines}").as_bytes())?;
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

/// Reads what the witness had said of a company by then, and what it says by now of copies.
pub(super) async fn hear(souk: &Souk, company: CompanyId, heard: Testimony) -> Result<Witness> {
    let path = souk.settings().data_dir.join("checkpoints.log");
    let souk = souk.clone();
    tokio::task::spawn_blocking(move || read(&souk, &path, company, heard)).await.map_err(Error::internal)?.map_err(Error::internal)
}

fn read(souk: &Souk, path: &Path, company: CompanyId, heard: Testimony) -> std::io::Result<Witness> {
    let mut witness = Witness::default();
    let Ok(file) = File::open(path) else { return Ok(witness) };
    let of = company.to_string();
    let mut read = 0;
    for line in BufReader::new(file).split(b'\n') {
        let line = line?;
        let was_heard = read < heard.bytes;
        read += line.len() as u64 + 1;
        // A line that somebody damaged is none of anybody's.
        let line = String::from_utf8_lossy(&line);
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
            (true, Ok(number), kind @ ("head" | "start")) => {
                witness.told.insert((kind.to_owned(), number, (*hash).to_owned()));
                let side = if kind == "head" { &mut witness.heads } else { &mut witness.starts };
                // A head that was told later may be of links that a look does not see yet.
                if was_heard {
                    side.insert(number, (*hash).to_owned());
                }
            }
            // What is being written at this moment has no end yet.
            _ if was_heard => witness.forged.push((*number).to_owned()),
            _ => {}
        }
    }
    Ok(witness)
}
