import CodexCore
import CodexStore

// Observations of orders.
//
// `next()` of an observation waits for a commit if there is nothing new, and commits of other
// processes are noticed by real time. So it is called only if the value has changed since the last
// call: then it returns at once. Should it miss the change, the command has no end, which the
// driver finds.

/// An observation, with the value that it delivered last.
@MainActor
protocol OrderObserver: AnyObject {
    /// That value, as a field of an answer: a list with it alone.
    var field: Answer.Field { get }

    /// Whether a snapshot has another value than the one that was delivered last.
    ///
    /// - Throws: The errors of reading.
    func isBehind(_ snapshot: borrowing Snapshot) throws -> Bool

    /// Takes the next value, which must be there.
    ///
    /// - Throws: The errors of the observation, which then has ended.
    func advance() async throws
}

/// An observation of one value.
@MainActor
final class ValueObserver<Value: Sendable & Equatable>: OrderObserver {
    /// The name of the field that shows the value.
    private let name: String
    private var values: StoreObservation<Value>.AsyncIterator
    private var last: Value?
    /// Reads the value without the observation.
    private let read: (borrowing Snapshot) throws -> Value
    private let show: (Value) -> Answer

    /// Begins an observation.
    ///
    /// - Parameters:
    ///   - observation: What is observed.
    ///   - name: The name of the field that shows the value.
    ///   - read: Reads the value without the observation.
    ///   - show: The value as answers show it.
    init(
        _ observation: StoreObservation<Value>, as name: String,
        reading read: @escaping (borrowing Snapshot) throws -> Value,
        showing show: @escaping (Value) -> Answer
    ) {
        values = observation.makeAsyncIterator()
        (self.name, self.read, self.show) = (name, read, show)
    }

    var field: Answer.Field { Answer.Field(name, .list(last.map { [show($0)] } ?? [])) }

    func isBehind(_ snapshot: borrowing Snapshot) throws -> Bool {
        let present = try read(snapshot)
        return last != present
    }

    func advance() async throws {
        // A property of an actor cannot be changed by an asynchronous call.
        var values = self.values
        defer { self.values = values }
        last = try await values.next()
    }
}

extension SimulatedProcess {
    /// Begins to observe an order or the open orders of a site, in the place of what the process
    /// observes, and takes the first value.
    func observe(_ command: Command) async throws -> Answer {
        observer = try Self.makeObserver(command, try openStore())
        return try await observed(command)
    }

    /// Takes the values of the observation, until the last one is the present one.
    ///
    /// The turn is given back after each if the command wants it.
    func observed(_ command: Command) async throws -> Answer {
        let store = try openStore()
        guard let observer else { throw ProtocolFault(message: "nothing is observed") }
        var deliveries: [Answer] = []
        do {
            while true {
                let state = try store.read { snapshot in
                    try Self.state(of: observer, snapshot)
                }
                let sequence = Answer.Field("sequence", .count(state.sequence))
                guard state.isBehind else {
                    return .object([
                        sequence, Answer.Field("deliveries", .list(deliveries)), observer.field,
                    ])
                }
                // Other processes have no turn before it, so it is of the same state.
                try await observer.advance()
                deliveries.append(.object([sequence, observer.field]))
                Self.giveTurn(command)
            }
        } catch {
            self.observer = nil
            throw error
        }
    }

    /// Ends the observation of the process, if there is one.
    func endObservation() -> Answer {
        observer = nil
        return [:]
    }

    private static func makeObserver(
        _ command: Command, _ store: Store
    ) throws -> any OrderObserver {
        if let number = command.orders?.first {
            let lookup = Lookup<Order>(["number": number])
            return ValueObserver(
                store.observe(lookup), as: "orders",
                reading: { snapshot in try snapshot.get(lookup) },
                showing: { order in order?.shown ?? .null })
        }
        let query = Order.open(at: try command.need(command.sites?.first, "sites"))
        return ValueObserver(
            store.observe(query), as: "open",
            reading: { snapshot in try snapshot.all(query) },
            showing: { orders in .list(orders.map(\.shown)) })
    }

    private static func state(
        of observer: any OrderObserver, _ snapshot: borrowing Snapshot
    ) throws -> (sequence: UInt64, isBehind: Bool) {
        (try snapshot.sequenceNumber.commit, try observer.isBehind(snapshot))
    }
}
