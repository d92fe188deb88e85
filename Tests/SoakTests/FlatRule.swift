/// Whether a figure that was measured again and again has stopped growing.
///
/// It has if the median of the last third of the samples is at most ``percent`` and ``allowance``
/// above the median of the middle third. The first third is the time to grow.
enum FlatRule {
    static let percent = 10
    /// The bytes that are not looked at.
    static let allowance = 16 << 20
    /// With fewer samples nothing is told.
    static let sampleCountMin = 30

    /// The medians of the middle and the last third; `nil` for fewer than ``sampleCountMin``.
    static func medians(_ samples: [Int]) -> (middle: Int, last: Int)? {
        guard samples.count >= sampleCountMin else { return nil }
        let third = samples.count / 3
        let last = samples.count - third
        return (median(samples[(last - third)..<last]), median(samples[last...]))
    }

    private static func median(_ samples: ArraySlice<Int>) -> Int {
        samples.sorted()[samples.count / 2]
    }

    /// The largest median of the last third that is flat.
    static func bound(_ middle: Int) -> Int { middle + middle * percent / 100 + allowance }

    /// Whether the figure is flat; `nil` if there are too few samples.
    static func isFlat(_ samples: [Int]) -> Bool? {
        medians(samples).map { $0.last <= bound($0.middle) }
    }
}

/// What is measured during a soak, in bytes.
struct SoakSamples {
    private var series: [String: [Int]] = [:]

    /// Adds a sample, if the figure could be measured.
    mutating func add(_ name: String, _ byteCount: Int?) {
        if let byteCount { series[name, default: []].append(byteCount) }
    }

    /// Begins a figure again: it is of another process now.
    mutating func forget(_ name: String) { series[name] = nil }

    /// The figures that grow, each with its medians.
    var findings: [String] {
        series.sorted { $0.key < $1.key }.compactMap { name, samples in
            guard FlatRule.isFlat(samples) == false else { return nil }
            return "\(name) grows: \(Self.text(samples))"
        }
    }

    /// All figures, with what was not judged.
    var description: String {
        series.sorted { $0.key < $1.key }.map { "\($0.key): \(Self.text($0.value))" }
            .joined(separator: "; ")
    }

    private static func text(_ samples: [Int]) -> String {
        guard let medians = FlatRule.medians(samples) else {
            return "\(samples.count) samples, not judged"
        }
        return "\(medians.middle >> 10) KiB, then \(medians.last >> 10) KiB"
    }
}
