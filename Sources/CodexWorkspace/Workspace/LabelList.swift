internal import CodexCore

extension CodexFlow {
    /// The lists of tasks by label in a remote table.
    ///
    /// A service like DynamoDB has no index with an entry for each element of a list. So each label
    /// of a task has an *entry*: an item of the table itself. A consumer of the table's stream
    /// keeps the entries (``TableWorkspaceBackend/labelActions(of:)``), and not the commands: a
    /// task has up to 100 labels, and no rule looks at them.
    ///
    /// The key of an entry is `LABEL#<projectId>#<label>` / the sort key of the task, with the hash
    /// of an identifier or a label of more than 400 bytes. Its attribute `listed` has the key of
    /// the task. A list reads the entries, and then the tasks by key. It passes over an entry whose
    /// task is gone, or does not have the label any more. Decision 51 has the reasons.
    enum LabelList {
        /// The attribute with the key of the task.
        static let listed = "listed"
        /// The key of the item that tells that all tasks had their entries.
        static let stateKey = PrimaryKey("LABELS", "STATE")
        /// The attribute of that item.
        static let isBuilt = "isBuilt"

        /// The partition of the entries for the partition key's values in the index.
        private static func partition(_ values: [AttributeValue]) -> AttributeValue? {
            guard values.count == 2, let project = values[0].string, let label = values[1].string
            else { return nil }
            return .string("LABEL#\(Marker.short(project))#\(Marker.short(label))")
        }

        /// The entries of a task, one for each distinct label.
        ///
        /// - Parameters:
        ///   - task: The task's item.
        ///   - table: Its table.
        /// - Returns: The entries.
        /// - Throws: ``CodexError/Code/invalidKey`` for an item without its key.
        static func entries(
            of task: Item, in table: TableDefinition
        ) throws(CodexError) -> [Item] {
            let key = try table.primaryKey(of: task)
            var seen: Set<AttributeValue> = []
            var found: [Item] = []
            for place in QueryPlace.partitions(of: task, of: Task.definition.name, in: table)
            where place.index == Index.taskLabel {
                guard let partition = Self.partition(place.values), seen.insert(partition).inserted
                else { continue }
                var entry = table.attributes(of: PrimaryKey(partition, key.sort))
                entry[listed] = .map(table.attributes(of: key))
                found.append(entry)
            }
            return found
        }

        /// The key attributes of the task that an entry stands for; `nil` if an item is no entry.
        static func task(of entry: Item) -> Item? {
            guard case .map(let task)? = entry[listed] else { return nil }
            return task
        }

        /// The query of the entries that a query of the index asks for; `nil` for another query.
        static func search(
            for query: TableQuery, of definition: EntityDefinition
        ) -> TableQuery? {
            guard query.index == Index.taskLabel, definition.name == Task.definition.name,
                let partition = Self.partition(query.partition)
            else { return nil }
            return TableQuery(
                table: query.table, partition: [partition], direction: query.direction)
        }
    }
}
