//! The table at the end.

use std::collections::BTreeMap;

use harness::Count;

/// One line for each broker and one for all; numbers stand right, below their headings.
pub(super) fn render(brokers: &BTreeMap<String, Count>, total: &Count) -> String {
    let rows = brokers.iter().map(|(name, count)| (name.as_str(), count));
    let rows = rows.chain([("total", total)]).map(|(name, it)| {
        format!(
            "{name:<8}   {:>9}   {:>12}   {:>8}   {:>4}   {:>18}   {:>16}\n",
            it.published,
            it.acknowledged,
            it.received,
            it.lost,
            it.duplicated_effects,
            it.failed_publishes
        )
    });
    let rows: String = rows.collect();
    format!(
        "\nbroker     published   acknowledged   received   lost   duplicated effects   failed publishes\n{rows}"
    )
}
