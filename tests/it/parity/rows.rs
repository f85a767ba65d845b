//! The multiset of rows: what stands on one side only.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Cells as istioctl prints them.
pub type Row = Vec<String>;

/// What one side has more often than the other; empty when both hold the same rows.
pub fn apart(theirs: &[Row], ours: &[Row]) -> String {
    let mut count: BTreeMap<&Row, i64> = BTreeMap::new();
    theirs.iter().for_each(|row| *count.entry(row).or_default() += 1);
    ours.iter().for_each(|row| *count.entry(row).or_default() -= 1);
    let mut text = String::new();
    for (row, more) in count.into_iter().filter(|(_, more)| *more != 0) {
        let whose = if more > 0 { "istioctl" } else { "pilotage" };
        let _ = writeln!(text, "  only {whose} ({}x): {}", more.abs(), row.join(" │ "));
    }
    text
}

#[test]
fn order_does_not_matter_and_number_does() {
    let rows = |text: &str| text.split(' ').map(|row| row.split(',').map(Into::into).collect()).collect::<Vec<Row>>();
    assert_eq!(apart(&rows("a,b c,d a,b"), &rows("c,d a,b a,b")), "");
    let told = apart(&rows("a,b c,d a,b"), &rows("a,b c,d c,e"));
    assert_eq!(told, "  only istioctl (1x): a │ b\n  only pilotage (1x): c │ e\n");
}
