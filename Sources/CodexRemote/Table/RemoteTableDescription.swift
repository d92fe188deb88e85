#if Remote
    public import CodexCore

    /// What a service tells of a table.
    public struct RemoteTableDescription: Sendable, Hashable {
        /// The state, such as `ACTIVE`.
        public let status: String
        /// The name, the keys and the global and local indexes.
        public let definition: TableDefinition
        /// The number of items, some hours old.
        public let itemCount: Int

        /// Reads an answer of DescribeTable; `nil` if it is none.
        init?(_ answer: JSONNode) {
            guard let table = answer["Table"], let name = table["TableName"]?.text,
                let status = table["TableStatus"]?.text, let keys = Keys(table, types: table),
                let partition = keys.partition.first, keys.partition.count == 1,
                keys.sort.count <= 1
            else { return nil }
            var indexes: [IndexDefinition] = []
            for member in ["LocalSecondaryIndexes", "GlobalSecondaryIndexes"] {
                for node in table[member]?.elements ?? [] {
                    guard let name = node["IndexName"]?.text, let keys = Keys(node, types: table)
                    else { return nil }
                    indexes.append(
                        IndexDefinition(
                            name, partitionKey: keys.partition, sortKey: keys.sort,
                            projection: Self.projection(node["Projection"])))
                }
            }
            self.status = status
            definition = TableDefinition(
                name, partitionKey: partition, sortKey: keys.sort.first, indexes: indexes)
            itemCount = table["ItemCount"]?.integer ?? 0
        }

        /// The attributes of a key schema.
        private struct Keys {
            var partition: [KeyAttribute] = []
            var sort: [KeyAttribute] = []

            init?(_ node: JSONNode, types: JSONNode) {
                for element in node["KeySchema"]?.elements ?? [] {
                    guard let name = element["AttributeName"]?.text,
                        let text = types["AttributeDefinitions"]?.elements.first(where: {
                            $0["AttributeName"]?.text == name
                        })?["AttributeType"]?.text,
                        let type = KeyAttribute.KeyType(rawValue: text)
                    else { return nil }
                    if element["KeyType"]?.text == "HASH" {
                        partition.append(KeyAttribute(name, type))
                    } else {
                        sort.append(KeyAttribute(name, type))
                    }
                }
                if partition.isEmpty { return nil }
            }
        }

        private static func projection(_ node: JSONNode?) -> IndexProjection {
            switch node?["ProjectionType"]?.text ?? "" {
            case "KEYS_ONLY": .keysOnly
            case "INCLUDE": .include((node?["NonKeyAttributes"]?.elements ?? []).compactMap(\.text))
            default: .all
            }
        }
    }

    extension RemoteTable {
        /// What the service tells of the table.
        ///
        /// - Throws: ``CodexError/Code/unknownTable`` if it has no such table; otherwise as
        ///   ``get(_:isConsistent:projection:)``.
        public func describe() async throws -> RemoteTableDescription {
            let body = RequestWriter.body { $0.text("TableName", name) }
            let answer = try await client.send(
                RemoteRequest(operation: "DescribeTable", body: body, repetition: .read))
            guard let description = RemoteTableDescription(answer) else {
                throw CodexError(
                    .invalidResponse, "The description of the table is not of DynamoDB's protocol.")
            }
            return description
        }
    }
#endif
