internal import CodexCore

extension CodexFlow {
    /// An item of a remote table that stands for the place of another item in an index.
    ///
    /// An index of a remote table may be older than the table, and is never unique there. So a rule
    /// does not look at it. What rules look up by another key has a marker, in the transaction of
    /// the item. A consistent query of the table finds the markers, and then the items by key. A
    /// marker of a unique key is one item, so that two commands cannot both write it.
    ///
    /// The marker has the keys of its item in the table and in the index, and what the filters of
    /// queries look at, in the attribute `marked`. It has no attribute of an index itself. A marker
    /// that is left over is passed over: its item is absent, or is in another place.
    ///
    /// Decision 27 has the list. ``all`` is the one place that declares it.
    struct Marker: Sendable {
        /// Where the markers of a partition of the index are.
        struct Start: Sendable {
            let partition: String
            /// The beginning of their sort keys.
            let sort: String
        }

        /// The entity of the items.
        let entity: String
        /// The index for which the markers stand.
        let index: String
        /// Whether there is one marker for each partition of the index.
        var isUnique = false
        /// Whether the rest of the sort key is that of the index.
        var keepsOrder = false
        /// The attributes that filters look at.
        var copied: [String] = []
        /// The place of the markers, by the partition key's values in the index.
        let start: @Sendable ([AttributeValue]) -> Start?
        /// The rest of the sort key; `nil` is no marker.
        let rest: @Sendable (Item) -> String?

        /// The attribute with the keys of the item.
        static let marked = "marked"

        /// The markers of all rules.
        static let all = [
            emails, projectKeys, ownedProjects, memberships, sessions, openTasks, parts, blocked,
            workDays,
        ]

        /// E-mail addresses are unique.
        private static let emails = Marker(
            entity: User.definition.name, index: Index.gsi1, isUnique: true,
            start: { values in
                text(of: values, after: "EMAIL#").map { Start(partition: "EMAIL#\($0)", sort: "") }
            }, rest: { _ in uniqueSort })

        /// Project keys are unique.
        private static let projectKeys = Marker(
            entity: Project.definition.name, index: Index.projectKey, isUnique: true,
            start: { values in
                text(of: values).map { Start(partition: "PROJECTKEY#\($0)", sort: "") }
            }, rest: { _ in uniqueSort })

        /// A user who is deleted owns no project.
        private static let ownedProjects = Marker(
            entity: Project.definition.name, index: Index.gsi1,
            start: { ofUser($0, after: "OWNER#", "OWNS#") },
            rest: { identifiers(of: $0, ["projectId"]) })

        /// A user who is deleted loses the memberships.
        private static let memberships = Marker(
            entity: Member.definition.name, index: Index.gsi1,
            start: { ofUser($0, after: "MEMBER#", "MEMBER#") },
            rest: { identifiers(of: $0, ["projectId"]) })

        /// The sessions of a user who is suspended end.
        private static let sessions = Marker(
            entity: Session.definition.name, index: Index.gsi2,
            start: { ofUser($0, after: "USER#", before: "#SESSIONS", "SESSION#") },
            rest: { identifiers(of: $0, ["sessionId"]) })

        /// A member who leaves has no open task.
        private static let openTasks = Marker(
            entity: Task.definition.name, index: Index.gsi1, copied: ["status", "archivedAt"],
            start: { ofUser($0, after: "ASSIGNEE#", "OPEN#") },
            rest: { isOpen($0) ? identifiers(of: $0, ["projectId", "taskId"]) : nil })

        /// A finished task has no open part; the depth and the number of parts.
        private static let parts = Marker(
            entity: Task.definition.name, index: Index.taskParent,
            copied: ["status", "archivedAt"],
            start: { values in
                guard values.count == 2, let project = values[0].string,
                    let parent = values[1].string
                else { return nil }
                return Start(partition: "PROJECT#\(project)", sort: "PART#\(short(parent))#")
            }, rest: { identifiers(of: $0, ["taskId"]) })

        /// What a task blocks.
        private static let blocked = Marker(
            entity: Dependency.definition.name, index: Index.gsi1,
            start: { values in
                guard let parts = text(of: values, after: "PROJECT#")?.split(separator: "#"),
                    parts.count == 3, parts[1] == "BLOCKER"
                else { return nil }
                return Start(
                    partition: "PROJECT#\(parts[0])", sort: "BLOCKS#\(short(String(parts[2])))#")
            }, rest: { identifiers(of: $0, ["taskId"]) })

        /// The hours of a user's day add up to 24 at most.
        private static let workDays = Marker(
            entity: WorkLog.definition.name, index: Index.gsi1, keepsOrder: true,
            start: { ofUser($0, after: "WORKER#", "DAY#") },
            rest: { item in
                guard let key = item["GSI1SK"]?.string else { return nil }
                guard key.utf8.count > sortByteCountMax else { return key }
                let day = String(key.prefix { $0 != "#" })
                return "\(day)#\(SHA256.hexadecimal(key))"
            })

        /// The marker of an entity's place in an index; `nil` if the index has none.
        static func of(_ entity: String, in index: String?) -> Marker? {
            all.first { $0.entity == entity && $0.index == index }
        }

        // MARK: Keys

        /// The sort key of markers of unique keys.
        private static let uniqueSort = "MARKER"
        /// Most bytes of an identifier that stands in a marker's key as it is.
        private static let identifierByteCountMax = 400
        /// Most bytes of a sort key of an index that stands in a marker's key as it is.
        private static let sortByteCountMax = 900

        /// An identifier as a part of a key: itself, or its hash if it is long.
        static func short(_ text: String) -> String {
            text.utf8.count <= identifierByteCountMax ? text : SHA256.hexadecimal(text)
        }

        /// Identifiers of an item, joined; `nil` if one is missing.
        private static func identifiers(of item: Item, _ names: [String]) -> String? {
            let parts = names.compactMap { item[$0]?.string }
            guard parts.count == names.count else { return nil }
            return parts.map { short($0) }.joined(separator: "#")
        }

        /// The text between two others in the only value of a partition key.
        private static func text(
            of values: [AttributeValue], after start: String = "", before end: String = ""
        ) -> String? {
            guard values.count == 1, let text = values[0].string,
                text.utf8.starts(with: start.utf8),
                text.utf8.reversed().starts(with: end.utf8.reversed()),
                text.utf8.count > start.utf8.count + end.utf8.count
            else { return nil }
            return String(
                decoding: text.utf8.dropFirst(start.utf8.count).dropLast(end.utf8.count),
                as: UTF8.self)
        }

        private static func ofUser(
            _ values: [AttributeValue], after start: String, before end: String = "",
            _ sort: String
        ) -> Start? {
            text(of: values, after: start, before: end).map {
                Start(partition: "USER#\($0)", sort: sort)
            }
        }

        private static func isOpen(_ task: Item) -> Bool {
            let status = task["status"]?.string.flatMap { Task.Status(rawValue: $0) }
            return task["archivedAt"] == nil && status?.isOpen ?? true
        }

        // MARK: Items

        /// The marker of an item; `nil` if it has none.
        ///
        /// - Throws: ``CodexError/Code/unknownIndex`` if the table lacks the index.
        func item(for item: Item, in table: TableDefinition) throws(CodexError) -> Item? {
            let index = try definition(in: table)
            let partition = index.partitionKey.compactMap { item[$0.name] }
            guard partition.count == index.partitionKey.count,
                index.sortKey.allSatisfy({ item[$0.name] != nil }),
                let start = self.start(partition), let rest = self.rest(item)
            else { return nil }
            var place = Item()
            let keys = (table.keyAttributes + index.keyAttributes).map(\.name)
            for name in keys + copied { place[name] = item[name] }
            var marker = table.attributes(
                of: PrimaryKey(.string(start.partition), .string(start.sort + rest)))
            marker[Self.marked] = .map(place)
            // A marker expires with its item.
            if let name = table.timeToLive { marker[name] = item[name] }
            return marker
        }

        /// The markers of an item of an entity.
        ///
        /// - Throws: ``CodexError/Code/unknownIndex``.
        static func items(
            for item: Item, of entity: String, in table: TableDefinition
        ) throws(CodexError) -> [Item] {
            var found: [Item] = []
            for marker in all where marker.entity == entity {
                if let item = try marker.item(for: item, in: table) { found.append(item) }
            }
            return found
        }

        /// The keys and copies of the item that a marker stands for; `nil` if an item is no marker.
        static func place(of item: Item) -> Item? {
            guard case .map(let place)? = item[marked] else { return nil }
            return place
        }

        private func definition(in table: TableDefinition) throws(CodexError) -> IndexDefinition {
            guard let found = table.indexes.first(where: { $0.name == index }) else {
                throw CodexError(
                    .unknownIndex, "Table \(table.name) has no index \(index).")
            }
            return found
        }

        // MARK: Queries

        /// The key of the marker that a query of a unique key asks for.
        func key(for query: TableQuery) -> PrimaryKey? {
            guard isUnique, let start = self.start(query.partition) else { return nil }
            return PrimaryKey(.string(start.partition), .string(Self.uniqueSort))
        }

        /// The query of the markers that a query of the index asks for; `nil` if it can find none.
        ///
        /// They may be more than those: ``candidates(_:_:in:)`` chooses among them.
        func search(for query: TableQuery) -> TableQuery? {
            guard let start = self.start(query.partition) else { return nil }
            var sort = SortCondition.beginsWith(.string(start.sort))
            if keepsOrder {
                func bound(_ value: AttributeValue) -> AttributeValue {
                    .string(start.sort + (value.string ?? ""))
                }
                switch query.sort {
                case .equal(let value), .beginsWith(let value): sort = .beginsWith(bound(value))
                case .between(let low, let high): sort = .between(bound(low), bound(high))
                default: break
                }
            }
            return TableQuery(table: query.table, partition: [.string(start.partition)], sort: sort)
        }

        /// The keys of the items that a query may find, in its order.
        ///
        /// - Parameters:
        ///   - markers: The markers that were found.
        ///   - query: The query of the index.
        ///   - table: Its table.
        /// - Returns: The keys, without those that the copies show not to be in the result.
        /// - Throws: ``CodexError/Code/invalidKey`` for a marker without the key of an item.
        func candidates(
            _ markers: [Item], _ query: TableQuery, in table: TableDefinition
        ) throws(CodexError) -> [PrimaryKey] {
            var placed = query
            let known = Set(copied)
            let isCovered = query.filter?.paths.allSatisfy { known.contains($0.root) } ?? true
            // The items themselves are looked at later, with the whole filter.
            if !isCovered { placed.filter = nil }
            let place = try QueryPlace(placed, in: table)
            var found: [(order: [AttributeValue], key: PrimaryKey)] = []
            for marker in markers {
                guard let item = Self.place(of: marker), place.contains(item, of: entity)
                else { continue }
                found.append((place.sortKey(of: item), try table.primaryKey(of: item)))
            }
            found.sort { place.areInOrder($0.order, $1.order) }
            return found.map(\.key)
        }
    }
}
