import Foundation
import Histogram

// MARK: Output

/// Writes a line of the report.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// Writes a line about how far things are, which is no part of the report.
func note(_ line: String) { FileHandle.standardError.write(Data(("# " + line + "\n").utf8)) }

/// Writes a row of the report: the samples' median, their range, and the goal.
func row(_ name: String, _ samples: [Double], goal: String = "") {
    let sorted = samples.sorted()
    guard let least = sorted.first, let most = sorted.last else { return }
    let median = text(sorted[sorted.count / 2])
    let range = sorted.count > 1 ? "(\(text(least)) to \(text(most)))" : ""
    let padding = String(repeating: " ", count: max(0, 10 - median.count))
    let line =
        padded("  " + name, 48) + padding + median + "  " + padded(range, 24)
        + (goal.isEmpty ? "" : "goal " + goal)
    say(line)
}

/// The ratio of each round.
func ratios(_ left: [Double], _ right: [Double]) -> [Double] {
    zip(left, right).map { $0 / $1 }
}

func text(_ value: Double) -> String { String(format: value < 100 ? "%.2f" : "%.0f", value) }

private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

// MARK: Time

/// How long calls took.
struct Latencies: Sendable {
    // A thousandth of a value at most is lost; longer than a minute counts as a minute.
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)

    var count: Int { Int(histogram.totalCount) }
    /// In nanoseconds.
    var longest: UInt64 { histogram.max }

    mutating func add(_ nanoseconds: UInt64) { histogram.record(min(nanoseconds, 60_000_000_000)) }

    mutating func merge(_ other: Latencies) { histogram.add(other.histogram) }

    /// The nanoseconds that the given share of all took at most.
    func quantile(_ share: Double) -> Double { Double(histogram.valueAtPercentile(share * 100)) }
}

// MARK: Sizes

/// What a store takes on the disk.
struct StoreSizes {
    /// The data file's length.
    var dataByteCount = 0
    /// What the data file takes of the disk.
    var dataAllocatedByteCount = 0
    /// What everything in the directory takes, the log included.
    var allocatedByteCount = 0

    init(_ directory: String) throws {
        for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
            var information = stat()
            guard stat(directory + "/" + name, &information) == 0 else { continue }
            let allocated = Int(information.st_blocks) * 512
            allocatedByteCount += allocated
            if name == "data.mdb" {
                dataByteCount = Int(information.st_size)
                dataAllocatedByteCount = allocated
            }
        }
    }
}

/// Writes how a store's sizes changed.
func report(_ title: String, from before: StoreSizes, to after: StoreSizes, goal: String = "") {
    say("\n" + title)
    for (name, size) in [
        ("data file", \StoreSizes.dataByteCount),
        ("blocks of the data file", \StoreSizes.dataAllocatedByteCount),
        ("blocks of everything in the store", \StoreSizes.allocatedByteCount),
    ] {
        let (old, new) = (Double(before[keyPath: size]), Double(after[keyPath: size]))
        row(name + ", before", [old / 1_048_576])
        row(name + ", after", [new / 1_048_576])
        if name == "data file" { row("data file, after / before", [new / max(1, old)], goal: goal) }
    }
}
