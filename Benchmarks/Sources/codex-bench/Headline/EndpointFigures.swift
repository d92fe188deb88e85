import Foundation

/// What Scripts/bench-dynamodb measured: servers of DynamoDB's API under 16 clients.
struct EndpointFigures {
    /// The rounds of one operation in one server.
    private struct Rounds: Decodable {
        /// Requests per second.
        let rates: [Double]
        /// The milliseconds that 99 % of the requests took at most.
        let p99: [Double]
    }

    /// By operation and server; empty if nothing was measured.
    private let rounds: [String: [String: Rounds]]

    private static let ours = "codexflow"

    /// The operations and peers, and what the ratio of the rates is to be at least.
    private static let pairs = [
        ("GetItem", "ministack", 16.0), ("GetItem", "moto", 30), ("PutItem", "ministack", 10),
    ]

    /// Reads what the script wrote; nothing is measured if there is no such file.
    init(_ path: String?) {
        let data = path.flatMap { try? Data(contentsOf: URL(fileURLWithPath: $0)) }
        rounds =
            data.flatMap { try? JSONDecoder().decode([String: [String: Rounds]].self, from: $0) }
            ?? [:]
    }

    /// Adds the headline's figures, also those that were not measured.
    func add(to headline: inout HeadlineReport) {
        for (operation, peer, goal) in Self.pairs {
            let name = "endpoint \(operation)"
            guard let ours = rounds[operation]?[Self.ours], let theirs = rounds[operation]?[peer]
            else {
                headline.add(.notMeasured(name, peerName: peer, goal: goal))
                continue
            }
            headline.add(
                Figure(
                    name, ours: ours.rates, peer: theirs.rates, peerName: peer,
                    unit: "requests/s", goal: goal, isRate: true))
        }
        let (name, limit) = ("endpoint GetItem p99, 16 clients", "the limit")
        guard let ours = rounds["GetItem"]?[Self.ours] else {
            headline.add(.notMeasured(name, peerName: limit, goal: 1))
            return
        }
        headline.add(
            Figure(
                name, ours: ours.p99, peer: ours.p99.map { _ in Self.limit }, peerName: limit,
                unit: "ms", goal: 1))
    }

    /// The milliseconds that 99 % of the requests may take.
    private static let limit = 1.0
}
