/// What the processes did to the lists of a store, as they recorded it.
package struct History: Sendable {
    /// One transaction, from its call to its answer.
    package struct Operation: Hashable, Sendable {
        /// How it ended.
        package enum Outcome: String, Sendable {
            /// It took effect.
            case ok
            /// It has no effect.
            case failed
            /// It may have taken effect, or may still.
            case unknown
        }

        package var number: Int
        package var process: Int
        package var form: String
        package var steps: [MicroOperation]
        package var outcome: Outcome
        package var invoked: Int
        /// When it was answered; `nil` if its outcome is unknown.
        package var completed: Int?
        package var code: String?
        /// The lists of the items that made conditions fail; `nil` if none did.
        ///
        /// The conditions are in ``steps``: a read of a list is the condition that the key has as
        /// many values.
        package var refusal: [MicroOperation]?

        package init(
            number: Int, process: Int = 0, form: String = "body", steps: [MicroOperation],
            outcome: Outcome = .ok, invoked: Int, completed: Int?
        ) {
            (self.number, self.process, self.form) = (number, process, form)
            (self.steps, self.outcome) = (steps, outcome)
            (self.invoked, self.completed) = (invoked, completed)
        }
    }

    /// An error that a process got.
    package struct Failure: Hashable, Sendable {
        /// The number of the operation.
        package var operation: Int
        package var code: String
        /// When the operation began, and when it got the error.
        package var time: ClosedRange<Int>
        /// The free bytes of the store's disk at that time, if they were recorded.
        package var freeByteCount: Int?

        package init(
            operation: Int, code: String, time: ClosedRange<Int>, freeByteCount: Int? = nil
        ) {
            (self.operation, self.code, self.time) = (operation, code, time)
            self.freeByteCount = freeByteCount
        }
    }

    /// Events that make no history: an error of the workload, not of the store.
    package struct Inconsistent: Error, CustomStringConvertible {
        package let description: String
    }

    /// The operations, by their beginning.
    package private(set) var operations: [Operation]
    /// The errors of operations that failed, and of those whose outcome is unknown.
    package let failures: [Failure]

    package init(operations: [Operation], failures: [Failure] = []) {
        self.operations = operations.sorted { ($0.invoked, $0.number) < ($1.invoked, $1.number) }
        self.failures = failures
    }

    /// Joins the events of all processes, in any order.
    ///
    /// An operation without an event of its end has an unknown outcome. Another process may record
    /// the end of an operation that it repeats with the same idempotency token.
    ///
    /// A refused operation makes two: one that failed, and a read of the lists that it returned.
    package init(_ events: [HistoryEvent]) throws(Inconsistent) {
        var places: [Int: Int] = [:]
        var operations: [Operation] = []
        for event in events where event.kind == .invoke {
            guard places.updateValue(operations.count, forKey: event.operation) == nil else {
                throw Inconsistent(description: "operation \(event.operation) begins twice")
            }
            operations.append(
                Operation(
                    number: event.operation, process: event.process, form: event.form,
                    steps: event.steps, outcome: .unknown, invoked: event.time, completed: nil))
        }
        for event in events where event.kind != .invoke && event.kind != .info {
            guard let place = places[event.operation] else {
                throw Inconsistent(description: "operation \(event.operation) has no beginning")
            }
            let old = operations[place]
            guard old.outcome == .unknown, old.invoked <= event.time else {
                throw Inconsistent(description: "operation \(event.operation) ends twice or early")
            }
            operations[place].outcome = event.kind == .ok ? .ok : .failed
            operations[place].completed = event.time
            operations[place].code = event.code
            if event.kind == .refused {
                operations[place].refusal = event.steps
                operations.append(
                    Operation(
                        number: event.operation, process: event.process, form: "refusal",
                        steps: event.steps, invoked: old.invoked, completed: event.time))
            } else if !event.steps.isEmpty {
                operations[place].steps = event.steps
            }
        }
        let failures = Self.failures(of: events, operations, places)
        self.init(operations: operations, failures: failures)
    }

    private static func failures(
        of events: [HistoryEvent], _ operations: [Operation], _ places: [Int: Int]
    ) -> [Failure] {
        events.compactMap { event in
            guard let code = event.code, let place = places[event.operation],
                operations[place].invoked <= event.time
            else { return nil }
            return Failure(
                operation: event.operation, code: code,
                time: operations[place].invoked...event.time,
                freeByteCount: event.freeByteCount)
        }
    }

    /// How many operations have an outcome.
    package func count(_ outcome: Operation.Outcome) -> Int {
        operations.count { $0.outcome == outcome }
    }
}
