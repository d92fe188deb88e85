import Foundation

/// A line of the headline table: Codex beside a peer, measured in one run.
struct Figure: Codable, Sendable {
    let name: String
    /// What Codex took or did, in `unit`: the median of the rounds.
    var ours: Double?
    var peer: Double?
    let peerName: String
    let unit: String
    /// The median of the rounds' ratios; none where the peer was not measured.
    ///
    /// Above 1 Codex is better; beside a limit, it is the fraction of it that was reached.
    var ratio: Double?
    /// The least and the most of the rounds' ratios.
    var spread: [Double] = []
    /// What the ratio is to be; none was set for some.
    let goal: Double?
    /// Whether the goal is reached; a pair that was not measured does not hold.
    var holds: Bool
}

extension Figure {
    /// A pair that was measured in rounds; with `isRate`, more is better.
    init(
        _ name: String, ours: [Double], peer: [Double], peerName: String, unit: String,
        goal: Double?, isRate: Bool = false
    ) {
        let ratios = zip(ours, peer).map { isRate ? $0 / $1 : $1 / $0 }.sorted()
        self.init(
            name: name, ours: ours.median, peer: peer.median, peerName: peerName, unit: unit,
            ratio: ratios.median, goal: goal, holds: (ratios.median ?? 0) >= goal ?? 0)
        spread = [ratios.first, ratios.last].compactMap { $0 }
    }

    /// A pair without its peer.
    static func notMeasured(_ name: String, peerName: String, goal: Double) -> Figure {
        Figure(name: name, peerName: peerName, unit: "", goal: goal, holds: false)
    }
}

extension Collection<Double> {
    var median: Double? {
        let sorted = sorted()
        return sorted.isEmpty ? nil : sorted[sorted.count / 2]
    }

    var geometricMean: Double? {
        isEmpty ? nil : exp(reduce(0) { $0 + log($1) } / Double(count))
    }
}

/// The headline table, on the terminal and as a file.
struct HeadlineReport {
    private(set) var figures: [Figure] = []

    mutating func add(_ figure: Figure) {
        figures.append(figure)
        note("\(figure.name) / \(figure.peerName): \(figure.ratio.map(text) ?? "not measured")")
    }

    func printTable() {
        let rows = figures.map { figure in
            [
                figure.name, figure.ours.map(text) ?? "", figure.peer.map(text) ?? "",
                figure.unit, figure.peerName, figure.ratio.map(text) ?? "not measured",
                figure.spread.map(text).joined(separator: " to "),
                figure.goal.map(text) ?? "none",
                figure.ratio == nil ? "" : figure.holds ? "holds" : "FALLS SHORT",
            ]
        }
        let heads = ["", "Codex", "peer", "", "peer is", "ratio", "rounds", "goal", ""]
        let widths = heads.indices.map { column in
            ([heads] + rows).map { $0[column].count }.max() ?? 0
        }
        for row in [heads] + rows {
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            say(cells.joined(separator: "  "))
        }
    }

    /// Writes `headline.json`: an array of objects; unless all is replaced, other pairs stay in it.
    func write(to directory: String, replacing isWhole: Bool) throws {
        let file = URL(fileURLWithPath: directory + "/headline.json")
        var figures = figures
        if !isWhole, let data = try? Data(contentsOf: file) {
            let known = try JSONDecoder().decode([Figure].self, from: data)
            func isSame(_ left: Figure, _ right: Figure) -> Bool {
                left.name == right.name && left.peerName == right.peerName
            }
            let new = figures.filter { figure in !known.contains { isSame($0, figure) } }
            figures = known.map { old in self.figures.first { isSame($0, old) } ?? old } + new
        }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(figures).write(to: file)
    }
}

/// Runs both sides of a pair in turn, the one that begins changing, after a round that does not
/// count.
func interleave(
    _ rounds: Int, _ ours: () throws -> Double, _ peer: () throws -> Double
) rethrows -> (ours: [Double], peer: [Double]) {
    var (left, right): ([Double], [Double]) = ([], [])
    _ = (try ours(), try peer())
    for round in 0..<rounds {
        if round.isMultiple(of: 2) { left.append(try ours()) }
        right.append(try peer())
        if !round.isMultiple(of: 2) { left.append(try ours()) }
    }
    return (left, right)
}

/// Nanoseconds for each of `count` operations; `body` returns a sum over what it read.
func nanoseconds(_ count: Int, _ body: () throws -> UInt64) rethrows -> Double {
    let start = ContinuousClock.now
    let sum = try body()
    let duration = ContinuousClock.now - start
    guard sum != 0 else { fatalError("nothing was read") }
    return duration / .nanoseconds(1) / Double(count)
}

func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
func nanoseconds(_ duration: Duration) -> UInt64 { UInt64(max(0, duration / .nanoseconds(1))) }
