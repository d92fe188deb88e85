#if Remote
    import Foundation

    /// A line of the report.
    struct Figure: Sendable {
        let name: String
        /// What was measured: the median of the rounds, if there are several.
        let value: Double
        let unit: String
        /// The least and the most of the rounds; empty for a single one.
        var spread: [Double] = []
        var goal: Goal?

        /// What a figure must be.
        enum Goal: Sendable {
            case atMost(Double)
            case atLeast(Double)

            func holds(_ value: Double) -> Bool {
                switch self {
                case .atMost(let bound): value <= bound
                case .atLeast(let bound): value >= bound
                }
            }

            var text: String {
                switch self {
                case .atMost(let bound): "at most \(Report.text(bound))"
                case .atLeast(let bound): "at least \(Report.text(bound))"
                }
            }
        }

        init(_ name: String, _ value: Double, _ unit: String, goal: Goal? = nil) {
            (self.name, self.value, self.unit, self.goal) = (name, value, unit, goal)
        }

        /// A figure of several rounds.
        init(_ name: String, rounds: [Double], _ unit: String, goal: Goal? = nil) {
            self.init(name, rounds.median, unit, goal: goal)
            spread = [rounds.min(), rounds.max()].compactMap { $0 }
        }
    }

    /// The tables of the parts, in the form of the documents.
    struct Report {
        private var lines: [String] = []
        private var missedCount = 0

        /// Adds the table of a part.
        mutating func add(_ figures: [Figure], of part: RemoteBench.Part, isQuick: Bool) {
            let options = "--only \(part.rawValue)" + (isQuick ? " --quick" : "")
            lines += [
                "", "`make bench-remote BENCH_REMOTE='\(options)'`:", "",
                "| what | figure | goal |", "|---|---|---|",
            ]
            for figure in figures {
                let holds = figure.goal?.holds(figure.value) ?? true
                if !holds { missedCount += 1 }
                let value = holds ? Self.text(figure.value) : "**\(Self.text(figure.value))**"
                let spread = figure.spread.map { Self.text($0) }.joined(separator: " to ")
                lines.append(
                    "| \(figure.name) | \(value) \(figure.unit)"
                        + (spread.isEmpty ? "" : " (\(spread))")
                        + " | \(figure.goal?.text ?? "") |")
            }
        }

        /// Prints the tables; a figure that misses its goal is bold.
        func print() {
            let count = ProcessInfo.processInfo.activeProcessorCount
            Swift.print(
                "\(count) processors, on loopback; medians, with the least and the most of the "
                    + "rounds")
            for line in lines { Swift.print(line) }
            Swift.print("\nfigures that miss their goals: \(missedCount)")
        }

        /// A number with as many digits as it deserves.
        static func text(_ value: Double) -> String {
            let digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
            return String(format: "%.\(digits)f", value)
        }
    }

    /// Writes a line about how far things are, which is no part of the report.
    func note(_ line: String) {
        FileHandle.standardError.write(Data(("# " + line + "\n").utf8))
    }

    /// Why a run has no figures.
    struct BenchFailure: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    extension [Double] {
        /// The median; 0 of no values.
        var median: Double { quantile(0.5) }

        /// The value below which a share of the values is; 0 of no values.
        func quantile(_ share: Double) -> Double {
            isEmpty ? 0 : sorted()[Int(Double(count - 1) * share)]
        }
    }
#endif
