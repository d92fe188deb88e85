public import CodexCore

extension CodexFlow {
    /// The tasks of a queue that a worker takes.
    public struct TaskFilter: Sendable, Hashable {
        /// The labels that a task must have, all of them.
        public var labels: Set<String>
        /// The kinds of tasks; empty is all.
        ///
        /// A task without a kind is a task.
        public var kinds: Set<Task.Kind>
        /// The priorities; empty is all.
        public var priorities: Set<Task.Priority>
        /// The worker's skills, which must include all that a task needs; `nil` takes all tasks.
        public var skills: Set<String>?

        /// Creates a filter; without arguments, it takes all tasks.
        public init(
            labels: Set<String> = [], kinds: Set<Task.Kind> = [],
            priorities: Set<Task.Priority> = [], skills: Set<String>? = nil
        ) {
            self.labels = labels
            self.kinds = kinds
            self.priorities = priorities
            self.skills = skills
        }

        /// The filter as an argument of a command with an idempotency key.
        var arguments: AttributeMap {
            var map: AttributeMap = [
                "labels": labels.sorted().attributeValue,
                "kinds": kinds.map(\.rawValue).sorted().attributeValue,
                "priorities": priorities.map(\.rawValue).sorted().attributeValue,
            ]
            map["skills"] = skills?.sorted().attributeValue
            return map
        }

        /// Whether the filter takes a task.
        public func matches(_ task: Task) -> Bool {
            (labels.isEmpty || labels.isSubset(of: task.labels))
                && (kinds.isEmpty || kinds.contains(task.kind ?? .task))
                && (priorities.isEmpty || priorities.contains(task.priority ?? Task.Priority.none))
                && (skills.map { $0.isSuperset(of: task.skills) } ?? true)
        }
    }
}
