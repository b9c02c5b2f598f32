//! What was published, for people: digests and sizes.

use super::record::Record;
use harness::console::{self, bold, mib};

pub(super) fn print(record: &Record) {
    console::result("");
    for image in &record.images {
        console::result(format!(
            "{}\n  {}",
            bold(&format!(
                "{}/{}:{}",
                record.registry, image.service, record.version
            )),
            image.digest
        ));
        for platform in &image.platforms {
            console::result(format!(
                "  {}  {}  {} compressed",
                platform.architecture,
                platform.digest,
                mib(platform.compressed_bytes)
            ));
        }
    }
    let chart = &record.chart;
    console::result(format!(
        "{}\n  {}",
        bold(&format!("{}:{}", chart.reference, record.version)),
        chart.digest
    ));
}
