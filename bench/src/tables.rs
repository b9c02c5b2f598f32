//! The figures for people: Markdown that a terminal shows as well as a browser.

use super::figures::Figures;
use super::soak::PARTS;

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
    let costs = figures.processes("idle_mib.").map(|process| {
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

/// What an event costs each process, row by row. `rows` are keys and names.
pub(super) fn growth(figures: &Figures, rows: &[(&str, &str)]) -> String {
    let shown =
        |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |it| format!("{it:.0}"));
    let rows = rows.iter().filter_map(|(key, name)| {
        let rate = figures.median(&format!("{key}_per_second"))?;
        let of = |process: &str| shown(figures.median(&format!("{key}_cpu_us.{process}")));
        let memory = |process: &str| shown(figures.median(&format!("{key}_mib.{process}")));
        let [worker, sidecar] = ["task-worker", "daprd of task-worker"];
        Some([
            (*name).to_owned(),
            format!("{rate:.0}"),
            of(worker),
            of(sidecar),
            format!("{} / {}", memory(worker), memory(sidecar)),
        ])
    });
    let headings = [
        "",
        "events/s",
        "µs/event, worker",
        "its daprd",
        "MiB of both",
    ];
    format!("\n{}", table(headings, rows.collect()))
}

/// The memory of each process in each part of the time.
pub(super) fn soak(figures: &Figures) -> String {
    let rows = figures.processes("mib_at_the_end.").map(|process| {
        let of = |part| figures.median(&format!("mib_{part}.{process}"));
        let [first, middle, end] =
            PARTS.map(|part| of(part).map_or_else(String::new, |it| format!("{it:.1}")));
        [process.to_owned(), first, middle, end]
    });
    let [first, middle, end] = PARTS.map(|part| part.replace('_', " "));
    let headings = ["MiB", &first, &middle, &end];
    let rate = figures.median("soak_per_second").unwrap_or_default();
    format!(
        "\n{}\n{rate:.0} tasks a second.\n",
        table(headings, rows.collect())
    )
}

/// With columns as wide as what is in them.
fn table<const N: usize>(headings: [&str; N], mut rows: Vec<[String; N]>) -> String {
    rows.insert(0, headings.map(str::to_owned));
    let widths: [usize; N] = std::array::from_fn(|column| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or_default()
    });
    rows.insert(1, widths.map(|width| "-".repeat(width)));
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let cells = cells.map(|(cell, width)| format!("| {cell:<width$} "));
        cells.collect::<String>() + "|\n"
    };
    rows.iter().map(line).collect()
}
