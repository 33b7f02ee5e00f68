//! The text of `nodetool status`, as NodeTool of each line writes it. No node is asked here.
//!
//! Source: `org.apache.cassandra.tools.nodetool.Status`, `TableBuilder` and `NodeTool.getOwnershipByDc` of each line.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::order;
use crate::cassandra::Line;

/// What NodeTool asks a node for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ring {
    /// The line whose NodeTool would run.
    pub(super) line: Line,
    /// Each token with its node, in the order that the node gives.
    pub(super) tokens: Vec<(String, String)>,
    /// The nodes in each of these states.
    pub(super) live: Vec<String>,
    pub(super) unreachable: Vec<String>,
    pub(super) joining: Vec<String>,
    pub(super) leaving: Vec<String>,
    pub(super) moving: Vec<String>,
    /// What they hold, and who they are.
    pub(super) loads: BTreeMap<String, String>,
    pub(super) ids: BTreeMap<String, String>,
    /// Each one's part of the data; none where it means nothing, and the words why.
    pub(super) owns: Result<BTreeMap<String, f64>, String>,
    /// Where each is: its data centre and its rack.
    pub(super) places: BTreeMap<String, (String, String)>,
    /// What each is shown as.
    pub(super) names: BTreeMap<String, String>,
}

/// What stands above the rows of each data centre.
const LEGEND: &str = "Status=Up/Down\n|/ State=Normal/Leaving/Joining/Moving\n";

/// A row, and a cell that has nothing in it.
type Row = Vec<Option<String>>;

/// The text; none where something is not as NodeTool would take it.
pub(super) fn draw(ring: &Ring) -> Option<String> {
    let note = match &ring.owns {
        Ok(_) => String::new(),
        // NodeTool takes it for a format.
        Err(words) if words.contains('%') => return None,
        Err(words) => format!("Note: {words}\n"),
    };
    let mut centres: BTreeMap<Vec<u16>, (&str, Vec<usize>)> = BTreeMap::new();
    for (at, (_, node)) in ring.tokens.iter().enumerate() {
        let (centre, _) = ring.places.get(node)?;
        let (_, tokens) = centres.entry(centre.encode_utf16().collect()).or_insert((centre, Vec::new()));
        tokens.push(at);
    }
    let by_token = centres.len() >= ring.tokens.len();
    let mut tables = Vec::new();
    for (centre, tokens) in centres.into_values() {
        let mut rows = vec![header(ring, by_token)];
        for (node, tokens) in listed(ring, &tokens)? {
            rows.push(row(ring, node, &tokens, by_token)?);
        }
        tables.push((centre, rows));
    }
    let widths = widths(ring, &tables, by_token);
    let mut text = String::new();
    for (at, (centre, rows)) in tables.iter().enumerate() {
        if at > 0 && ring.line > Line::V3_11 {
            text.push('\n');
        }
        let title = format!("Datacenter: {centre}");
        let rule = "=".repeat(title.encode_utf16().count());
        text.extend([title.as_str(), "\n", &rule, "\n", LEGEND]);
        for row in rows {
            write(&mut text, row, &widths);
        }
    }
    text.push('\n');
    text.push_str(&note);
    Some(text)
}

/// The nodes of a data centre with their tokens, in NodeTool's order.
fn listed<'a>(ring: &'a Ring, tokens: &[usize]) -> Option<Vec<(&'a str, Vec<&'a str>)>> {
    let mut nodes: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for (token, node) in tokens.iter().filter_map(|at| ring.tokens.get(*at)) {
        let at = *known.entry(node).or_insert_with(|| {
            nodes.push((node, Vec::new()));
            nodes.len() - 1
        });
        nodes.get_mut(at)?.1.push(token);
    }
    // Until 3.11 the key is the address. Guava's multimap begins with another size in each of its releases.
    let hash = |node: &str| match ring.line {
        Line::V3_11 => node.parse::<IpAddr>().ok().map(order::of_address),
        _ => Some(order::of_text(node)),
    };
    let buckets = if matches!(ring.line, Line::V4_0 | Line::V4_1) { 32 } else { 16 };
    let hashes: Vec<i32> = nodes.iter().map(|(node, _)| hash(node)).collect::<Option<_>>()?;
    order::listed(&hashes, buckets)?.into_iter().map(|at| nodes.get(at).cloned()).collect()
}

fn header(ring: &Ring, by_token: bool) -> Row {
    let owns = if ring.owns.is_ok() { "Owns (effective)" } else { "Owns" };
    let cells = if by_token {
        ["--", "Address", "Load", owns, "Host ID", "Token", "Rack"]
    } else {
        ["--", "Address", "Load", "Tokens", owns, "Host ID", "Rack"]
    };
    cells.map(|cell| Some(cell.to_owned())).to_vec()
}

fn row(ring: &Ring, node: &str, tokens: &[&str], by_token: bool) -> Option<Row> {
    let is = |nodes: &[String]| nodes.iter().any(|known| known == node);
    let status = if is(&ring.live) {
        'U'
    } else if is(&ring.unreachable) {
        'D'
    } else {
        '?'
    };
    let letters = [(&ring.joining, 'J'), (&ring.leaving, 'L'), (&ring.moving, 'M')];
    let state = letters.iter().find(|(nodes, _)| is(nodes)).map_or('N', |(_, letter)| *letter);
    let unknown = || "?".to_owned();
    let owns = ring.owns.as_ref().ok().and_then(|owns| owns.get(node));
    let owns = match owns {
        Some(part) => percent(*part)?,
        None => unknown(),
    };
    let load = ring.loads.get(node).cloned().unwrap_or_else(unknown);
    let (_, rack) = ring.places.get(node)?;
    let (name, id) = (ring.names.get(node)?.clone(), ring.ids.get(node).cloned());
    let id = if id.is_none() && ring.line == Line::V3_11 { Some("null".to_owned()) } else { id };
    let first = [Some(format!("{status}{state}")), Some(name), Some(load)].into_iter();
    let rest = if by_token {
        [Some(owns), id, tokens.first().map(|token| (*token).to_owned())]
    } else {
        [Some(tokens.len().to_string()), Some(owns), id]
    };
    Some(first.chain(rest).chain([Some(rack.clone())]).collect())
}

/// `DecimalFormat("##0.0%")` in English: the part, which Java knows as a float, in hundredths.
fn percent(part: f64) -> Option<String> {
    part.is_finite().then(|| format!("{:.1}%", part * 100.0))
}

/// How wide each column is. 3.11 has widths of its own, but for the addresses, and does not fill up the last column.
fn widths(ring: &Ring, tables: &[(&str, Vec<Row>)], by_token: bool) -> Vec<usize> {
    let width = |cell: Option<&Option<String>>| match cell {
        Some(Some(text)) => text.encode_utf16().count(),
        _ => 1,
    };
    let widest = |column: usize, skip: usize| {
        let rows = tables.iter().flat_map(|(_, rows)| rows.iter().skip(skip));
        rows.map(|row| width(row.get(column))).max().unwrap_or(0)
    };
    if ring.line > Line::V3_11 {
        return (0..7).map(|column| widest(column, 0)).collect();
    }
    let owns = if ring.owns.is_ok() { 16 } else { 6 };
    // The address alone counts, not its title.
    if by_token { vec![2, widest(1, 1), 9, owns, 36, 39, 0] } else { vec![2, widest(1, 1), 9, 11, owns, 36, 0] }
}

fn write(text: &mut String, row: &[Option<String>], widths: &[usize]) {
    for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
        if at > 0 {
            text.push_str("  ");
        }
        let cell = cell.as_deref().unwrap_or_default();
        text.push_str(cell);
        let missing = width.saturating_sub(cell.encode_utf16().count());
        text.extend(std::iter::repeat_n(' ', missing));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 3] = [
        "0a000001-0000-4000-8000-000000000001",
        "0a000002-0000-4000-8000-000000000002",
        "0a000003-0000-4000-8000-000000000003",
    ];

    /// Three nodes in two data centres: one up, one down that leaves, one that joins and is not known by its id.
    fn ring(line: Line) -> Ring {
        let port = if line == Line::V3_11 { "" } else { ":7000" };
        let nodes = [1, 2, 3].map(|number| format!("10.0.0.{number}{port}"));
        let [one, two, three] = nodes.clone();
        let map = |values: &[&str]| nodes.iter().cloned().zip(values.iter().map(|value| (*value).to_owned())).collect();
        let token = |token: &str, node: &String| (token.to_owned(), node.clone());
        Ring {
            line,
            tokens: vec![token("-9", &one), token("-3", &two), token("1", &three), token("7", &one)],
            live: vec![one.clone(), three.clone()],
            unreachable: vec![two.clone()],
            joining: vec![three.clone()],
            leaving: vec![two.clone()],
            moving: Vec::new(),
            loads: map(&["117.45 KiB", "1.2 GiB"]),
            ids: map(&IDS[..2]),
            owns: Ok([(one.clone(), 1.0), (two.clone(), 0.656_65)].into()),
            places: [(&one, "west"), (&two, "west"), (&three, "east")]
                .map(|(node, centre)| (node.clone(), (centre.to_owned(), "rack1".to_owned())))
                .into(),
            names: map(&["10.0.0.1", "10.0.0.2", "a-node-with-a-name"]),
        }
    }

    #[test]
    fn tables_of_4_0_and_later_share_their_widths() {
        let expected = "\
Datacenter: east
================
Status=Up/Down
|/ State=Normal/Leaving/Joining/Moving
--  Address             Load        Tokens  Owns (effective)  Host ID                               Rack 
UJ  a-node-with-a-name  ?           1       ?                                                       rack1

Datacenter: west
================
Status=Up/Down
|/ State=Normal/Leaving/Joining/Moving
--  Address             Load        Tokens  Owns (effective)  Host ID                               Rack 
UN  10.0.0.1            117.45 KiB  2       100.0%            0a000001-0000-4000-8000-000000000001  rack1
DL  10.0.0.2            1.2 GiB     1       65.7%             0a000002-0000-4000-8000-000000000002  rack1

";
        for line in [Line::V4_0, Line::V4_1, Line::V5_0] {
            assert_eq!(draw(&ring(line)).unwrap(), expected, "{line:?}");
        }
    }

    #[test]
    fn tables_of_3_11_have_widths_of_their_own() {
        let expected = "\
Datacenter: east
================
Status=Up/Down
|/ State=Normal/Leaving/Joining/Moving
--  Address             Load       Tokens       Owns    Host ID                               Rack
UJ  a-node-with-a-name  ?          1            ?       null                                  rack1
Datacenter: west
================
Status=Up/Down
|/ State=Normal/Leaving/Joining/Moving
--  Address             Load       Tokens       Owns    Host ID                               Rack
DL  10.0.0.2            1.2 GiB    1            ?       0a000002-0000-4000-8000-000000000002  rack1
UN  10.0.0.1            117.45 KiB  2            ?       0a000001-0000-4000-8000-000000000001  rack1

Note: it means nothing
";
        let ring = Ring { owns: Err("it means nothing".into()), ..ring(Line::V3_11) };
        let drawn = draw(&ring).unwrap();
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&drawn), sorted(expected));
        // The order is that of Java's hash map, by the addresses' numbers.
        assert!(drawn.find("UN  10.0.0.1") < drawn.find("DL  10.0.0.2"), "{drawn}");
    }

    #[test]
    fn where_nodes_have_one_token_each_it_is_shown() {
        let mut ring = ring(Line::V5_0);
        ring.tokens.truncate(1);
        let drawn = draw(&ring).unwrap();
        assert!(drawn.contains("Host ID                               Token  Rack \n"), "{drawn}");
        assert!(drawn.contains("  0a000001-0000-4000-8000-000000000001  -9     rack1\n"), "{drawn}");
    }

    #[test]
    fn what_nodetool_would_take_otherwise_is_not_drawn() {
        let format = Ring { owns: Err("100% of it".into()), ..ring(Line::V5_0) };
        assert_eq!(draw(&format), None);
        let mut nowhere = ring(Line::V5_0);
        nowhere.places.clear();
        assert_eq!(draw(&nowhere), None);
        let mut odd = ring(Line::V4_1);
        odd.owns = Ok([(odd.tokens[0].1.clone(), f64::NAN)].into());
        assert_eq!(draw(&odd), None);
    }

    #[test]
    fn parts_are_rounded_as_java_rounds_them() {
        // jshell> new DecimalFormat("##0.0%").format((Object) 0.0625f)
        for (part, text) in
            [(0.0625_f32, "6.2%"), (0.00125, "0.1%"), (0.656_65, "65.7%"), (12.0, "1200.0%"), (0.0, "0.0%")]
        {
            assert_eq!(percent(f64::from(part)).as_deref(), Some(text));
        }
    }
}
