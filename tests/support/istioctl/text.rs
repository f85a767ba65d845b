//! istioctl's tables, taken apart by where the titles stand.

/// A table's titles in our spelling, and its cells.
#[derive(Debug, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// The tables of `proxy-config`, by their first titles; those of `all` have a title more at the left.
const TITLES: [(&str, &[&str]); 9] = [
    ("clusters", &["SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE"]),
    ("clusters", &["NAME", "SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE"]),
    ("listeners", &["ADDRESSES", "PORT", "MATCH", "DESTINATION"]),
    ("listeners", &["NAME", "ADDRESSES", "PORT", "MATCH", "DESTINATION"]),
    ("routes", &["NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE"]),
    ("endpoints", &["ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"]),
    ("eds", &["NAME", "STATUS", "LOCALITY", "CLUSTER"]),
    ("secret", &["RESOURCE NAME", "TYPE", "STATUS", "VALID CERT", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE"]),
    ("ecds", &["ECDS NAME", "TYPE"]),
];

/// What kind of table a text is, and the table.
pub fn table(text: &str) -> Result<(&'static str, Table), String> {
    if text.starts_with("Istio Version:") {
        return Ok(("bootstrap", versions(text)?));
    }
    if text.lines().nth(1) == Some("active loggers:") {
        return Ok(("log", loggers(text)?));
    }
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    if header.starts_with("NAME ") && header.split_whitespace().any(|title| title == "ISTIOD") {
        return Ok(("proxy-status", by_words(header, lines)?));
    }
    let found = TITLES.iter().find_map(|(kind, titles)| Some((*kind, *titles, starts(header, titles)?)));
    let (kind, titles, starts) = found.ok_or_else(|| format!("no known table begins with {header:?}"))?;
    let rows = lines.map(|line| cells(line, &starts)).collect::<Result<_, _>>()?;
    Ok((kind, Table { columns: titles.iter().map(|title| spelled(title)).collect(), rows }))
}

/// A table whose titles are single words, and depend on what there is to tell.
fn by_words<'a>(header: &str, lines: impl Iterator<Item = &'a str>) -> Result<Table, String> {
    let titles: Vec<&str> = header.split_whitespace().collect();
    let starts = starts(header, &titles).ok_or_else(|| format!("{header:?} is no line of titles"))?;
    let rows = lines.map(|line| cells(line, &starts)).collect::<Result<_, _>>()?;
    Ok(Table { columns: titles.into_iter().map(spelled).collect(), rows })
}

/// The tables of `proxy-config all`: an empty line stands between them.
pub fn tables(text: &str) -> Result<Vec<(&'static str, Table)>, String> {
    text.split("\n\n").map(|part| table(part.trim_matches('\n'))).collect()
}

/// Where each title begins, when the header holds them and nothing else.
fn starts(header: &str, titles: &[&str]) -> Option<Vec<usize>> {
    let mut at = 0;
    let mut starts = Vec::new();
    for title in titles {
        let gap = header[at..].find(|c| c != ' ')?;
        let rest = header[at + gap..].strip_prefix(title)?;
        starts.push(at + gap);
        at = header.len() - rest.len();
    }
    header[at..].trim().is_empty().then_some(starts)
}

/// The cells of a line. Columns are counted in characters, and a space stands before each.
fn cells(line: &str, starts: &[usize]) -> Result<Vec<String>, String> {
    let line: Vec<char> = line.chars().collect();
    let ends = starts[1..].iter().copied().chain([usize::MAX]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            let cell = &line[start.min(line.len())..end.min(line.len())];
            if start > 0 && line.get(start - 1).is_some_and(|before| *before != ' ') {
                return Err(format!("a cell runs over column {start} of {:?}", line.iter().collect::<String>()));
            }
            Ok(cell.iter().collect::<String>().trim_end().to_owned())
        })
        .collect()
}

fn spelled(title: &str) -> String {
    title.to_lowercase().replace(' ', "_")
}

/// `Istio Version: 1.31.0` and its like: one row.
fn versions(text: &str) -> Result<Table, String> {
    let mut table = Table { columns: Vec::new(), rows: vec![Vec::new()] };
    for line in text.lines() {
        let (title, value) = line.split_once(": ").ok_or_else(|| format!("{line:?} is no version"))?;
        table.columns.push(spelled(title));
        table.rows[0].push(value.to_owned());
    }
    Ok(table)
}

/// `  rbac: warning`, below the pod's name and a heading.
fn loggers(text: &str) -> Result<Table, String> {
    let line = |line: &str| match line.trim().split_once(": ") {
        Some((logger, level)) => Ok(vec![logger.to_owned(), level.to_owned()]),
        None => Err(format!("{line:?} is no logger")),
    };
    let rows = text.lines().skip(2).filter(|line| !line.trim().is_empty()).map(line).collect::<Result<_, _>>()?;
    Ok(Table { columns: vec!["logger".into(), "level".into()], rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_spaces_and_may_be_empty() {
        let text =
            "ADDRESSES PORT  MATCH         DESTINATION\n0.0.0.0   80    Trans: tls; A Route: 80\n          0     ALL           ";
        let (kind, table) = table(text).expect("a table");
        assert_eq!((kind, table.columns.join(" ")), ("listeners", "addresses port match destination".into()));
        assert_eq!(table.rows, [["0.0.0.0", "80", "Trans: tls; A", "Route: 80"], ["", "0", "ALL", ""]]);
    }

    #[test]
    fn the_titles_of_proxy_status_depend_on_what_there_is() {
        let (kind, table) =
            table("NAME    CDS              SDS         ISTIOD\na.b     NOT SENT         IGNORED     i-1\n").expect("a table");
        assert_eq!((kind, table.columns.join(" ")), ("proxy-status", "name cds sds istiod".into()));
        assert_eq!(table.rows, [["a.b", "NOT SENT", "IGNORED", "i-1"]]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(table("A B\n1 2").is_err());
        assert!(table("ECDS NAME TYPE MORE\n").is_err());
        assert!(table("ECDS NAME     TYPE\nname-that-is-too-long x").is_err());
        assert!(table("Istio Version: 1\nsomething else").is_err());
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        let (_, table) = table("ECDS NAME     TYPE\ngrün          x\n").expect("a table");
        assert_eq!(table.rows, [["grün", "x"]]);
    }
}
