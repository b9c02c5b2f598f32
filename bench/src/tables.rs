//! The figures for people: Markdown that a terminal shows as well as a browser.

use super::figures::Figures;

/// `rows` are keys and names.
pub(super) fn render(figures: &Figures, rows: &[(&str, &str)]) -> String {
    let shown = |figure: Option<f64>, digits| {
        figure.map_or_else(|| "-".to_owned(), |it| format!("{it:.digits$}"))
    };
    let rates = rows.iter().filter_map(|(key, name)| {
        let [least, median, most] = figures.spread(&format!("{key}_per_second"))?;
        let ratio = shown(figures.ratio("post_tasks", key), 2);
        Some([
            (*name).to_owned(),
            format!("{median:.0}"),
            format!("{least:.0} to {most:.0}"),
            ratio,
        ])
    });
    let headings = ["", "events/s", "slowest to fastest", "POST /tasks is"];
    let rates = table(headings, rates.collect());
    let costs = figures.processes().map(|process| {
        let of = |group: &str| figures.median(&format!("{group}.{process}"));
        let keys = ["post_tasks", "end_to_end", "end_to_end_without_inbox"];
        let [alone, all, without] = keys.map(|key| shown(of(&format!("{key}_cpu_us")), 1));
        let load = of("end_to_end_mib").or(of("post_tasks_mib"));
        let memory = format!("{} / {}", shown(of("idle_mib"), 1), shown(load, 1));
        [
            process.to_owned(),
            alone,
            format!("{all} / {without}"),
            memory,
        ]
    });
    let headings = [
        "",
        "µs/event, POST /tasks",
        "end to end / no inbox",
        "MiB idle / load",
    ];
    let costs = table(headings, costs.collect());
    let ms = |name| shown(figures.median(name), 2);
    let left_out = figures.left_out.iter();
    let left_out = left_out.map(|(key, why)| format!("Left out: {key}: {why}.\n"));
    format!(
        "\n{rates}\n{costs}\nPOST /tasks takes {} ms (p50) and {} ms (p99), the sidecar alone {} and {}; task-api is ready {} ms after its start.\n{}",
        ms("latency_p50_ms"),
        ms("latency_p99_ms"),
        ms("sidecar_latency_p50_ms"),
        ms("sidecar_latency_p99_ms"),
        ms("start_to_ready_ms"),
        left_out.collect::<String>(),
    )
}

/// With columns as wide as what is in them.
fn table(headings: [&str; 4], mut rows: Vec<[String; 4]>) -> String {
    rows.insert(0, headings.map(str::to_owned));
    let widths = [0, 1, 2, 3].map(|column| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or_default()
    });
    rows.insert(1, widths.map(|width| "-".repeat(width)));
    let line = |row: &[String; 4]| {
        let cells = row.iter().zip(widths);
        let cells = cells.map(|(cell, width)| format!("| {cell:<width$} "));
        cells.collect::<String>() + "|\n"
    };
    rows.iter().map(line).collect()
}
