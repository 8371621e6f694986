//! A company's own texts are programs of strangers. They may say a variable, choose and repeat;
//! everything else is refused before the engine sees it, so that a text ends soon, stays small,
//! and reaches nothing but its own facts.

use std::io;

use serde_json::Value;
use tera::{Context, Tera};

/// A rendered text is at most so large.
const BYTES_MAX: usize = 256 * 1024;
/// Loops stand inside loops this deep at most: what they go through is short lists.
const LOOPS_MAX: usize = 2;
const NESTING_MAX: usize = 12;
/// Only filters that make nothing longer than a text already is.
const FILTERS: [&str; 8] = ["upper", "lower", "capitalize", "title", "trim", "truncate", "default", "length"];
const WORDS: [&str; 6] = ["and", "or", "not", "true", "false", "in"];

/// Why a text is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub message: String,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// Renders a text with its facts.
///
/// # Errors
/// Where it is wrong, and why.
pub fn render(text: &str, facts: &Value, is_html: bool) -> Result<String, Wrong> {
    screen(text, facts)?;
    let nowhere = |message: String| Wrong { line: 1, column: 1, message };
    let context = Context::from_serialize(facts).map_err(|error| nowhere(error.to_string()))?;
    let mut page = Page(Vec::new());
    Tera::default().render_str_to(text, &context, is_html, &mut page).map_err(|error| place(&error))?;
    String::from_utf8(page.0).map_err(|error| nowhere(error.to_string()))
}

/// The engine's own complaint, in one line.
fn place(error: &tera::Error) -> Wrong {
    match error.kind() {
        tera::ErrorKind::SyntaxError(report) | tera::ErrorKind::RenderingError(report) => {
            Wrong { line: report.span().start_line, column: report.span().start_col + 1, message: report.message().to_owned() }
        }
        _ => Wrong { line: 1, column: 1, message: "this text cannot be rendered".into() },
    }
}

/// Takes what is written until it is too much.
struct Page(Vec<u8>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > BYTES_MAX {
            return Err(io::Error::other("the text becomes too large"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Refuses whatever is not a variable, a choice or a repetition over known facts.
///
/// # Errors
/// Where it is wrong, and why.
fn screen(text: &str, facts: &Value) -> Result<(), Wrong> {
    let mut open: Vec<Block> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('{').map(|found| at + found) {
        let rest = &text[start..];
        let wrong = |message: &str| wrong_at(text, start, message);
        if rest.starts_with("{#") {
            at = start + rest.find("#}").ok_or_else(|| wrong("this comment does not end"))? + 2;
        } else if rest.starts_with("{{") {
            let (inside, end) = inside(text, start, "}}").ok_or_else(|| wrong("`{{` has no `}}`"))?;
            Reader::new(text, inside, facts, &open)?.output()?;
            at = end;
        } else if rest.starts_with("{%") {
            let (inside, end) = inside(text, start, "%}").ok_or_else(|| wrong("`{%` has no `%}`"))?;
            tag(text, inside, facts, &mut open)?;
            at = end;
        } else {
            at = start + 1;
        }
    }
    match open.last() {
        None => Ok(()),
        Some(block) => Err(wrong_at(text, block.at, "this block has no end")),
    }
}

/// The range inside of a tag, and where the text goes on; quotes may hold its end.
fn inside(text: &str, start: usize, end: &str) -> Option<((usize, usize), usize)> {
    let mut quote = None;
    for (index, letter) in text[start + 2..].char_indices() {
        let here = start + 2 + index;
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None if text[here..].starts_with(end) => {
                let tag = &text[start + 2..here];
                let first = start + 2 + usize::from(tag.starts_with('-'));
                let last = here - usize::from(tag.len() > 1 && tag.ends_with('-'));
                return Some(((first, last.max(first)), here + end.len()));
            }
            None => {}
        }
    }
    None
}

fn wrong_at(text: &str, at: usize, message: &str) -> Wrong {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |found| found + 1);
    Wrong { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1, message: message.to_owned() }
}

/// A block that is open: a choice, or a repetition that names a fact.
struct Block {
    at: usize,
    each: Option<(String, Value)>,
}

fn tag(text: &str, range: (usize, usize), facts: &Value, open: &mut Vec<Block>) -> Result<(), Wrong> {
    let mut reader = Reader::new(text, range, facts, open)?;
    let word = reader.name()?;
    let at = range.0;
    let wrong = |message: &str| Err(wrong_at(text, at, message));
    let in_loop = open.last().map(|block| block.each.is_some());
    match word.as_str() {
        "if" => {
            reader.condition()?;
            open.push(Block { at, each: None });
        }
        "elif" if in_loop == Some(false) => reader.condition()?,
        "else" if in_loop.is_some() => reader.end()?,
        "endif" if in_loop == Some(false) => {
            reader.end()?;
            open.pop();
        }
        "for" => {
            let each = reader.repetition()?;
            if open.iter().filter(|block| block.each.is_some()).count() >= LOOPS_MAX {
                return wrong("loops stand inside each other too deep");
            }
            open.push(Block { at, each: Some(each) });
        }
        "endfor" if in_loop == Some(true) => {
            reader.end()?;
            open.pop();
        }
        "elif" | "else" | "endif" | "endfor" => return wrong(&format!("`{word}` has no beginning here")),
        _ => return wrong(&format!("`{word}` cannot be used here: only if, elif, else and for")),
    }
    if open.len() > NESTING_MAX { wrong("blocks stand inside each other too deep") } else { Ok(()) }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Literal,
    Mark(&'static str),
}

/// Reads one tag.
struct Reader<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
    facts: &'a Value,
    each: Vec<(String, Value)>,
}

const MARKS: [&str; 12] = ["==", "!=", "<=", ">=", "<", ">", "|", ".", "(", ")", "=", ","];

impl<'a> Reader<'a> {
    fn new(text: &'a str, (start, end): (usize, usize), facts: &'a Value, open: &[Block]) -> Result<Self, Wrong> {
        let mut tokens = Vec::new();
        let mut at = start;
        while at < end {
            let rest = &text[at..end];
            let Some(letter) = rest.chars().next() else { break };
            let length = if letter.is_whitespace() {
                letter.len_utf8()
            } else if letter.is_ascii_alphabetic() || letter == '_' {
                let length = rest.find(|one: char| !one.is_ascii_alphanumeric() && one != '_').unwrap_or(rest.len());
                tokens.push((at, Token::Name(rest[..length].to_owned())));
                length
            } else if letter.is_ascii_digit() {
                tokens.push((at, Token::Literal));
                rest.find(|one: char| !one.is_ascii_digit()).unwrap_or(rest.len())
            } else if letter == '"' || letter == '\'' {
                let close = rest[1..].find(letter).ok_or_else(|| wrong_at(text, at, "this text in quotes does not end"))?;
                tokens.push((at, Token::Literal));
                close + 2
            } else if let Some(mark) = MARKS.into_iter().find(|mark| rest.starts_with(mark)) {
                tokens.push((at, Token::Mark(mark)));
                mark.len()
            } else {
                return Err(wrong_at(text, at, &format!("`{letter}` cannot be used here")));
            };
            at += length;
        }
        let each = open.iter().filter_map(|block| block.each.clone()).collect();
        Ok(Self { text, tokens, next: 0, end, facts, each })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn here(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(at, _)| *at)
    }

    fn wrong<T>(&self, message: &str) -> Result<T, Wrong> {
        Err(wrong_at(self.text, self.here(), message))
    }

    fn takes(&mut self, mark: &str) -> bool {
        let is_there = matches!(self.peek(), Some(Token::Mark(found)) if *found == mark);
        self.next += usize::from(is_there);
        is_there
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_there = matches!(self.peek(), Some(Token::Name(found)) if found == word);
        self.next += usize::from(is_there);
        is_there
    }

    fn name(&mut self) -> Result<String, Wrong> {
        match self.peek().cloned() {
            Some(Token::Name(name)) => {
                self.next += 1;
                Ok(name)
            }
            _ => self.wrong("a name is missing here"),
        }
    }

    fn end(&self) -> Result<(), Wrong> {
        if self.next == self.tokens.len() { Ok(()) } else { self.wrong("this does not belong here") }
    }

    fn output(mut self) -> Result<(), Wrong> {
        self.value()?;
        self.end()
    }

    fn condition(&mut self) -> Result<(), Wrong> {
        loop {
            while self.takes_word("not") {}
            self.value()?;
            if ["==", "!=", "<=", ">=", "<", ">"].into_iter().any(|mark| self.takes(mark)) {
                self.value()?;
            }
            if !self.takes_word("and") && !self.takes_word("or") {
                return self.end();
            }
        }
    }

    fn repetition(&mut self) -> Result<(String, Value), Wrong> {
        let name = self.name()?;
        if WORDS.contains(&name.as_str()) || name == "loop" {
            return self.wrong("this cannot be a name");
        }
        if !self.takes_word("in") {
            return self.wrong("`in` is missing here");
        }
        let at = self.next;
        let list = self.path()?;
        self.end()?;
        let Value::Array(items) = list else {
            self.next = at;
            return self.wrong("this is no list");
        };
        Ok((name, items.into_iter().next().unwrap_or(Value::Null)))
    }

    /// A literal or a known fact, perhaps through filters.
    fn value(&mut self) -> Result<(), Wrong> {
        if self.peek() == Some(&Token::Literal) {
            self.next += 1;
        } else if !self.takes_word("true") && !self.takes_word("false") {
            self.path()?;
        }
        while self.takes("|") {
            let at = self.next;
            let filter = self.name()?;
            if !FILTERS.contains(&filter.as_str()) {
                self.next = at;
                return self.wrong(&format!("there is no filter `{filter}` here"));
            }
            if self.takes("(") {
                while !self.takes(")") {
                    self.name()?;
                    if !self.takes("=") {
                        return self.wrong("`=` is missing here");
                    }
                    if self.peek() != Some(&Token::Literal)
                        && !matches!(self.peek(), Some(Token::Name(word)) if word == "true" || word == "false")
                    {
                        return self.wrong("a text or a number is missing here");
                    }
                    self.next += 1;
                    self.takes(",");
                }
            }
        }
        Ok(())
    }

    /// A fact by its path, as the facts have it.
    fn path(&mut self) -> Result<Value, Wrong> {
        let start = self.next;
        let first = self.name()?;
        if first == "loop" && !self.each.is_empty() {
            while self.takes(".") {
                self.name()?;
            }
            return Ok(Value::Null);
        }
        let of_loop = self.each.iter().rev().find(|(name, _)| *name == first).map(|(_, value)| value.clone());
        let mut found = of_loop.or_else(|| self.facts.get(&first).cloned());
        let mut path = first;
        while self.takes(".") {
            let name = self.name()?;
            path = format!("{path}.{name}");
            found = found.and_then(|value| value.get(&name).cloned());
        }
        found.ok_or(()).or_else(|()| {
            self.next = start;
            self.wrong(&format!("there is no variable `{path}` in this message"))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts() -> Value {
        json!({ "person": { "name": "<Priya>" }, "order": { "number": "TH-1", "tracking": "" }, "lines": [{ "name": "Tea", "quantity": "2" }, { "name": "Cup", "quantity": "1" }] })
    }

    #[test]
    fn a_text_says_chooses_and_repeats() {
        let text = "Hi {{ person.name | upper }}{# not said #}\n{% for line in lines %}{{ loop.index }}. {{ line.name }}{% if not loop.last %}, {% endif %}{% endfor %}{%- if order.tracking and order.number != \"x\" -%} by {{ order.tracking }}{% else %}!{% endif %}";
        assert_eq!(render(text, &facts(), false).as_deref(), Ok("Hi <PRIYA>\n1. Tea, 2. Cup!"));
        assert_eq!(render("{{ person.name }}", &facts(), true).as_deref(), Ok("&lt;Priya&gt;"));
    }

    #[test]
    fn a_wrong_text_is_told_its_place() {
        let wrong = |text: &str| render(text, &facts(), false).err().map(|wrong| wrong.to_string());
        assert_eq!(
            wrong("Hello\n  {{ ordr.number }}").as_deref(),
            Some("line 2, column 6: there is no variable `ordr.number` in this message")
        );
        assert_eq!(wrong("{% if order.number %}").as_deref(), Some("line 1, column 3: this block has no end"));
        assert_eq!(wrong("{{ order.number ").as_deref(), Some("line 1, column 1: `{{` has no `}}`"));
        assert_eq!(wrong("{% for x in order.number %}{% endfor %}").as_deref(), Some("line 1, column 13: this is no list"));
        assert_eq!(wrong("नमस्ते {% endif %}").as_deref(), Some("line 1, column 10: `endif` has no beginning here"));
    }

    #[test]
    fn nothing_else_is_allowed() {
        for text in [
            "{% include \"layouts/base.html\" %}",
            "{% extends \"layouts/base.html\" %}",
            "{% import \"x\" as x %}",
            "{% set x = \"a\" %}",
            "{% raw %}{% endraw %}",
            "{% macro x() %}{% endmacro %}",
            "{{ throw(message=\"x\") }}",
            "{% for x in range(end=1000000) %}{% endfor %}",
            "{{ order.number ~ order.number }}",
            "{{ [1, 2] }}",
            "{{ person.name | safe }}",
            "{{ person.name | replace(from=\"a\", to=\"b\") }}",
            "{{ order[\"number\"] }}",
            "{{ __tera_context }}",
            "{{ 1 + 1 }}",
            "{% for a in lines %}{% for b in lines %}{% for c in lines %}x{% endfor %}{% endfor %}{% endfor %}",
        ] {
            assert!(render(text, &facts(), false).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_cannot_grow_without_end() {
        let lines: Vec<_> = (0..200).map(|_| json!({ "name": "x", "quantity": "1" })).collect();
        let text = format!("{{% for a in lines %}}{{% for b in lines %}}{}{{% endfor %}}{{% endfor %}}", "long ".repeat(100));
        assert!(render(&text, &json!({ "lines": lines }), false).is_err());
    }
}
