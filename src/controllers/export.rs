//! Lists as CSV or JSON: read page by page while the answer flows, so that its length costs no memory.
//!
//! A file is the same whoever takes it: its heads and words keep one language, so that programs and
//! sheets that read it need not ask who took it.

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::Value;

use crate::errors::{Error, Result};

/// Rows read at a time.
pub const ROWS: u64 = 500;

/// Some rows, and behind which position the next ones begin.
pub type Page<K> = (Vec<Vec<String>>, Option<K>);

/// Answers with a file of `head` and every row that `read` gives, from its first page to its last.
///
/// # Errors
/// What the first page is refused with; a later failure breaks the file off, so that nobody takes
/// half a list for the whole.
pub async fn csv<K, F, R>(name: &str, head: &[&str], read: F) -> Result<Response>
where
    K: Send + 'static,
    F: Fn(Option<K>) -> R + Send + 'static,
    R: Future<Output = Result<Page<K>>> + Send,
{
    let (rows, next) = read(None).await?;
    let head: Vec<_> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let first = lines(std::iter::once(head).chain(rows))?;
    let begun = stream::once(async move { Ok::<_, Error>(first) });
    let rest = stream::try_unfold((next, read), |(next, read)| async move {
        let Some(after) = next else { return Ok(None) };
        let (rows, next) = read(Some(after)).await?;
        Ok(Some((lines(rows)?, (next, read))))
    });
    let body = Body::from_stream(futures_util::StreamExt::chain(begun, rest));
    Ok((headers("text/csv; charset=utf-8", &format!("{name}.csv")), body).into_response())
}

/// As [`csv`], of rows that have been read already: few, such as those that a person chose.
///
/// # Errors
/// When they cannot be written as CSV.
pub async fn few(name: &str, head: &[&str], rows: Vec<Vec<String>>) -> Result<Response> {
    csv(name, head, move |_: Option<()>| std::future::ready(Ok((rows.clone(), None)))).await
}

/// As [`csv`], as one JSON array.
///
/// # Errors
/// What the first page is refused with.
pub async fn json<K, F, R>(name: &str, read: F) -> Result<Response>
where
    K: Send + 'static,
    F: Fn(Option<K>) -> R + Send + 'static,
    R: Future<Output = Result<(Vec<Value>, Option<K>)>> + Send,
{
    let (rows, next) = read(None).await?;
    let first = Bytes::from(format!("[{}", joined(&rows)));
    let begun = stream::once(async move { Ok::<_, Error>(first) });
    // Nothing is left when the closing bracket has been sent.
    let rest = stream::try_unfold(Some((next, read)), |state| async move {
        let Some((next, read)) = state else { return Ok(None) };
        let Some(after) = next else { return Ok(Some((Bytes::from_static(b"]\n"), None))) };
        let (rows, next) = read(Some(after)).await?;
        let comma = if rows.is_empty() { "" } else { ",\n" };
        Ok(Some((Bytes::from(format!("{comma}{}", joined(&rows))), Some((next, read)))))
    });
    let body = Body::from_stream(futures_util::StreamExt::chain(begun, rest));
    Ok((headers("application/json", &format!("{name}.json")), body).into_response())
}

fn joined(rows: &[Value]) -> String {
    rows.iter().map(Value::to_string).collect::<Vec<_>>().join(",\n")
}

fn headers(kind: &'static str, file: &str) -> [(HeaderName, String); 3] {
    [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ]
}

/// Rows as lines of CSV.
fn lines(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Bytes> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|cell| harmless(cell))).map_err(Error::internal)?;
    }
    writer.into_inner().map(Bytes::from).map_err(Error::internal)
}

/// A cell that a spreadsheet would run as a formula is a text: `=1+1` becomes `'=1+1`. A plain
/// number keeps its sign.
fn harmless(cell: &str) -> String {
    let is_number = cell.strip_prefix('-').is_some_and(|rest| {
        rest.starts_with(|letter: char| letter.is_ascii_digit()) && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number;
    if runs { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{harmless, lines};

    #[test]
    fn a_cell_is_never_a_formula() {
        for cell in ["=1+1", "+49", "-2+3", "@SUM(A1)", "\tx", "\rx", "-"] {
            assert_eq!(harmless(cell), format!("'{cell}"));
        }
        assert_eq!(harmless("-12.50"), "-12.50");
        assert_eq!(harmless("plain"), "plain");
    }

    #[test]
    fn quotes_and_commas_stay_in_their_cell() {
        let text = lines([vec!["a,b".to_owned(), "say \"x\"".to_owned()]]).map(|bytes| bytes.to_vec()).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&text), "\"a,b\",\"say \"\"x\"\"\"\n");
    }
}
