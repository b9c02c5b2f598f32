//! The rates as bars, in an SVG that can be read on a light and on a dark page.

use super::figures::Figures;

const HEIGHT: usize = 26;
const LEFT: f64 = 210.0;
const WIDTH: f64 = 480.0;

/// A bar for each median, and a line from the slowest run to the fastest.
pub(super) fn svg(title: &str, figures: &Figures, rows: &[(&str, &str)]) -> String {
    let rates = |(key, name): &(&str, &str)| {
        let spread = figures.spread(&format!("{key}_per_second"))?;
        Some((spread, (*name).to_owned()))
    };
    let rows: Vec<([f64; 3], String)> = rows.iter().filter_map(rates).collect();
    let most = rows.iter().map(|(spread, _)| spread[2]).fold(1.0, f64::max);
    let bars = rows.iter().zip(1..).map(|((spread, name), place)| {
        let [from, width, to] = spread.map(|rate| rate / most * WIDTH);
        let (y, end, median) = (HEIGHT * place + 12, LEFT + to, spread[1]);
        let (text, middle, from) = (y + 12, y + 8, LEFT + from);
        format!(
            r#"<text x="10" y="{text}">{name}</text><rect x="{LEFT}" y="{y}" width="{width:.1}" height="16"/>
<path d="M{from:.1} {middle}H{end:.1}"/><text x="{:.1}" y="{text}">{median:.0}</text>
"#,
            end + 10.0
        )
    });
    let height = HEIGHT * (rows.len() + 2);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 {height}" font-family="sans-serif" font-size="13">
<style>text{{fill:#24292f}}rect{{fill:#0969da}}path{{stroke:#24292f}}
@media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}rect{{fill:#4493f8}}path{{stroke:#e6edf3}}}}</style>
<text x="10" y="20" font-weight="bold">{title}</text>
{}</svg>
"#,
        bars.collect::<String>()
    )
}
