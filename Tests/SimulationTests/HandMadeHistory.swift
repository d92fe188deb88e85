@testable import Simulation

/// A history of two processes that breaks no rule, for tests to change.
///
/// Process 0 puts two items, process 1 adds to one of them, and is then refused. A consumer counts,
/// and an item that is over is removed. A process is killed in a write of which nothing is there.
struct HandMadeHistory {
    var history = History()

    static let now = 1000
    static let first = ItemKey("a", 0)
    static let second = ItemKey("a", 1)

    static func item(
        _ key: ItemKey, g: String? = nil, v: Int? = nil, op: Int, u: String? = nil, x: Int? = nil
    ) -> ItemImage {
        var item = ItemImage(key)
        (item.g, item.v, item.op, item.u, item.x) = (g, v, op, u, x)
        return item
    }

    static func marker(_ process: Int, _ op: Int) -> ItemImage {
        item(ItemKey("marker#\(process)", 0), op: op)
    }

    static func counter(_ n: Int, _ chain: String) -> ItemImage {
        var item = ItemImage(ItemKey("sum", 0))
        (item.n, item.chain) = (n, chain)
        return item
    }

    /// The digest of a consumer that has read changes with these numbers.
    static func chain(_ numbers: [String]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in numbers.map({ $0 + ";" }).joined().utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    static let one = item(first, g: "red", v: 5, op: 1, u: "u1")
    static let two = item(second, g: "red", v: 3, op: 1, x: 2000)
    static let added = item(first, g: "red", v: 7, op: 2, u: "u1")

    init() {
        addWrites()
        addStream()
        addReads()
        addOthers()
        history.lastSequence = 5
        history.segments = [
            Segment(number: 1, first: 1, count: 3, end: "continued"),
            Segment(number: 2, first: 4, count: 2, end: "end"),
        ]
        history.verifications = [Verification(sound: true, differences: [])]
    }

    private mutating func addWrites() {
        add(
            1, 0, [Action(put: Self.one), Action(put: Self.two)], 10, 20, .acknowledged)
        add(
            2, 1,
            [
                Action(
                    add: Addition(p: "a", s: 0, by: 2), condition: Requirement(vAtLeast: 5))
            ], 30, 40, .acknowledged)
        add(
            3, 1, [Action(delete: Self.first, condition: Requirement(opIs: 1))], 50, 60,
            .refused(History.Refusal(conditionFailed: [0])))
        add(4, 0, [Action(delete: ItemKey("b", 0))], 50, 65, .unknown)
    }

    mutating func add(
        _ op: Int, _ process: Int, _ actions: [Action], _ invoked: Int, _ completed: Int,
        _ outcome: History.Outcome, now: Int = HandMadeHistory.now
    ) {
        history.writes[op] = History.Write(
            op: op, process: process, actions: actions, isList: false,
            attempts: [
                History.Attempt(
                    invoked: invoked, completed: completed, now: now, outcome: outcome)
            ])
    }

    private mutating func addStream() {
        var counted = LoggedChange(
            ItemKey("sum", 0), old: nil,
            new: Self.counter(3, Self.chain(["1.0", "1.1", "1.2"])))
        counted.table = "c"
        var expired = LoggedChange(Self.second, old: Self.two, new: nil, isExpiry: true)
        expired.time = 2000.5
        history.stream = [
            LoggedCommit(
                sequence: 1,
                changes: [
                    LoggedChange(Self.first, old: nil, new: Self.one),
                    LoggedChange(Self.second, old: nil, new: Self.two, ordinal: 1),
                    LoggedChange(
                        ItemKey("marker#0", 0), old: nil, new: Self.marker(0, 1), ordinal: 2),
                ]),
            LoggedCommit(
                sequence: 2,
                changes: [
                    LoggedChange(Self.first, old: Self.one, new: Self.added),
                    LoggedChange(
                        ItemKey("marker#1", 0), old: nil, new: Self.marker(1, 2), ordinal: 1),
                ]),
            LoggedCommit(sequence: 4, changes: [counted]),
            LoggedCommit(sequence: 5, changes: [expired]),
        ]
    }

    private mutating func addReads() {
        var request = Request(.read)
        request.items = [Self.first, ItemKey("z", 9)]
        request.groups = ["red"]
        request.totals = ["red", "blue"]
        request.markers = true
        var total = GroupTotal("red")
        (total.count, total.sum, total.summed) = (2, 8, 2)
        var results = Answer.Results()
        results.sequence = 1
        results.items = [Self.one, nil]
        results.groups = [[Self.two, Self.one]]
        results.totals = [total, GroupTotal("blue")]
        results.markers = ["0": 1]
        history.reads = [
            History.Read(
                invoked: 25, completed: 35, now: Self.now, request: request, results: results)
        ]
        history.scans = [
            History.Look(
                name: "the store", invoked: 90, completed: .max, now: 2100, scan: Self.scan(5),
                isBuilt: true)
        ]
        history.copies = [
            History.Look(
                name: "a follower", invoked: 70, completed: 80, now: 2100, scan: Self.scan(5),
                verification: Verification(sound: true, differences: []), sequenceMin: 4,
                stream: History.CopiedStream(after: 0, commits: history.stream), isBuilt: true)
        ]
        history.parts = [
            History.StreamPart(after: 0, last: 1, commits: [history.stream[0]])
        ]
    }

    private mutating func addOthers() {
        history.sweeps = [History.Sweep(invoked: 75, completed: 78, now: 2000, count: 1)]
        history.consumptions = [
            History.Consumption(
                invoked: 61, completed: 69, consumer: "sum",
                total: ConsumedTotal(n: 3, chain: Self.chain(["1.0", "1.1", "1.2"])))
        ]
        history.sightings = [
            History.Sighting(name: .backup, invoked: 66, completed: 72, sequence: 4)
        ]
    }

    /// All that is there after the last commit.
    static func scan(_ sequence: Int) -> Scan {
        var total = GroupTotal("red")
        (total.count, total.sum, total.summed) = (1, 7, 1)
        return Scan(
            sequence: sequence, items: [added, marker(0, 1), marker(1, 2)],
            counters: [counter(3, chain(["1.0", "1.1", "1.2"]))], byG: Scan.Part([added]),
            byU: Scan.Part([added]), byV: nil, totals: Scan.Part([total]),
            consumers: [ConsumerPlace(name: "sum", at: "1.2")],
            layouts: ["byG": "copies", "byU": "references"])
    }

    var findings: [Finding] { Checker.findings(in: history) }
    var rules: Set<Finding.Rule> { Set(findings.map(\.rule)) }
}
