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

        package init(
            number: Int, process: Int = 0, form: String = "body", steps: [MicroOperation],
            outcome: Outcome = .ok, invoked: Int, completed: Int?
        ) {
            (self.number, self.process, self.form) = (number, process, form)
            (self.steps, self.outcome) = (steps, outcome)
            (self.invoked, self.completed) = (invoked, completed)
        }
    }

    /// Events that make no history: an error of the workload, not of the store.
    package struct Inconsistent: Error, CustomStringConvertible {
        package let description: String
    }

    /// The operations, by their beginning.
    package private(set) var operations: [Operation]

    package init(operations: [Operation]) {
        self.operations = operations.sorted { ($0.invoked, $0.number) < ($1.invoked, $1.number) }
    }

    /// Joins the events of all processes, in any order.
    ///
    /// An operation without an event of its end has an unknown outcome. Another process may record
    /// the end of an operation that it repeats with the same idempotency token.
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
        for event in events where event.kind == .ok || event.kind == .fail {
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
            if !event.steps.isEmpty { operations[place].steps = event.steps }
        }
        self.init(operations: operations)
    }

    /// How many operations have an outcome.
    package func count(_ outcome: Operation.Outcome) -> Int {
        operations.count { $0.outcome == outcome }
    }
}
