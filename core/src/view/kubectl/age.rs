use std::time::Duration;

/// A duration in the column AGE (apimachinery, `util/duration/duration.go`, `HumanDuration`): the longer it is, the
/// coarser it is told.
pub(super) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    let two = |large: u64, unit: char, small: u64, of: char| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit}{small}{of}"),
    };
    match () {
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
        () if hours < 48 => format!("{hours}h"),
        () if hours < 24 * 8 => two(days, 'd', hours % 24, 'h'),
        () if hours < 24 * 365 * 2 => format!("{days}d"),
        () if hours < 24 * 365 * 8 => two(years, 'y', days % 365, 'd'),
        () => format!("{years}y"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_the_coarser() {
        let told = |seconds| human(Duration::from_secs(seconds));
        let hour = 3600;
        for (seconds, expected) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (600, "10m"),
            (179 * 60, "179m"),
            (6 * hour, "6h"),
            (6 * hour + 28 * 60, "6h28m"),
            (22 * hour + 59 * 60, "22h"),
            (48 * hour, "2d"),
            (53 * hour, "2d5h"),
            (12 * 24 * hour, "12d"),
            (3 * 365 * 24 * hour, "3y"),
            (9 * 365 * 24 * hour, "9y"),
        ] {
            assert_eq!(told(seconds), expected);
        }
    }
}
