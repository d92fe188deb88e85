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

    /// The table of the figures, with their goals and commands.
    struct Report {
        private var rows = [["", "figure", "", "rounds", "goal", "", "command"]]

        mutating func add(_ figures: [Figure], of part: RemoteBench.Part, isQuick: Bool) {
            let options = "--only \(part.rawValue)" + (isQuick ? " --quick" : "")
            for figure in figures {
                let holds = figure.goal.map { $0.holds(figure.value) ? "holds" : "FALLS SHORT" }
                rows.append([
                    figure.name, Self.text(figure.value), figure.unit,
                    figure.spread.map(Self.text).joined(separator: " to "),
                    figure.goal?.text ?? "", holds ?? "",
                    "make bench-remote BENCH_REMOTE='\(options)'",
                ])
            }
        }

        func print() {
            let widths = rows[0].indices.map { column in
                rows.map { $0[column].count }.max() ?? 0
            }
            Swift.print("\(ProcessInfo.processInfo.activeProcessorCount) processors, on loopback")
            for row in rows {
                let cells = zip(row, widths).map { cell, width in
                    cell + String(repeating: " ", count: width - cell.count)
                }
                Swift.print(cells.joined(separator: "  "))
            }
        }

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
