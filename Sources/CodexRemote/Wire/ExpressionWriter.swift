#if Remote
    internal import CodexCore

    /// Writes conditions, updates and projections in DynamoDB's language, with placeholders for all
    /// names and values.
    struct ExpressionWriter {
        /// The names of `#0`, `#1` and so on.
        private var names: [String] = []
        /// The values of `:0`, `:1` and so on.
        private var values: [AttributeValue] = []

        /// Writes the names and values to which the expressions of a request refer.
        func write(to request: inout RequestWriter) {
            if !names.isEmpty {
                request.object("ExpressionAttributeNames") { object in
                    for (number, name) in names.enumerated() { object.text("#\(number)", name) }
                }
            }
            if !values.isEmpty {
                request.object("ExpressionAttributeValues") { object in
                    for (number, value) in values.enumerated() { object.value(":\(number)", value) }
                }
            }
        }

        /// A path; each name in it is a placeholder.
        mutating func path(_ path: DocumentPath) -> String {
            var text = placeholder(path.root)
            for step in path.steps {
                switch step {
                case .name(let name): text += "." + placeholder(name)
                case .index(let index): text += "[\(index)]"
                }
            }
            return text
        }

        /// The placeholder of a value.
        mutating func value(_ value: AttributeValue) -> String {
            values.append(value)
            return ":\(values.count - 1)"
        }

        /// A projection.
        mutating func projection(_ projection: Projection) -> String {
            projection.paths.map { path($0) }.joined(separator: ", ")
        }

        /// The placeholder of a name, the same one for equal names.
        private mutating func placeholder(_ name: String) -> String {
            if let number = names.firstIndex(where: { ByteOrder.equal($0, name) }) {
                return "#\(number)"
            }
            names.append(name)
            return "#\(names.count - 1)"
        }
    }

    // MARK: Conditions

    extension ExpressionWriter {
        /// A condition.
        mutating func condition(_ condition: Condition) -> String {
            switch condition {
            case .compare(let left, let comparator, let right):
                return "\(operand(left)) \(comparator.rawValue) \(operand(right))"
            case .between(let value, let low, let high):
                return "\(operand(value)) BETWEEN \(operand(low)) AND \(operand(high))"
            case .isIn(let value, let candidates):
                let text = operand(value)
                return "\(text) IN (\(candidates.map { operand($0) }.joined(separator: ", ")))"
            case .attributeExists(let path): return "attribute_exists(\(self.path(path)))"
            case .attributeNotExists(let path): return "attribute_not_exists(\(self.path(path)))"
            case .attributeType(let path, let type):
                return "attribute_type(\(self.path(path)), \(value(.string(type.rawValue))))"
            case .beginsWith(let value, let prefix):
                return "begins_with(\(operand(value)), \(operand(prefix)))"
            case .contains(let value, let member):
                return "contains(\(operand(value)), \(operand(member)))"
            case .and(let left, let right): return "\(joined(left)) AND \(joined(right))"
            case .or(let left, let right):
                return "\(self.condition(left)) OR \(self.condition(right))"
            case .not(let inner): return "NOT (\(self.condition(inner)))"
            }
        }

        /// A part of a condition that is joined by AND: OR binds less.
        private mutating func joined(_ part: Condition) -> String {
            let text = condition(part)
            if case .or = part { return "(\(text))" }
            return text
        }

        private mutating func operand(_ operand: Condition.Operand) -> String {
            switch operand {
            case .path(let path): self.path(path)
            case .value(let value): self.value(value)
            case .size(let path): "size(\(self.path(path)))"
            }
        }

        /// The key condition of a query.
        ///
        /// - Parameters:
        ///   - query: The query.
        ///   - partition: The attributes of the partition key.
        ///   - sort: The attributes of the sort key.
        /// - Returns: The condition; `nil` if the query has other numbers of values than the key.
        mutating func keyCondition(
            _ query: TableQuery, partition: [KeyAttribute], sort: [KeyAttribute]
        ) -> String? {
            let count = query.sortPrefix.count
            guard query.partition.count == partition.count, count <= sort.count else { return nil }
            var parts: [String] = []
            for (attribute, value) in zip(partition + sort, query.partition + query.sortPrefix) {
                parts.append("\(path(DocumentPath(attribute.name))) = \(self.value(value))")
            }
            if query.sort != .any {
                guard count < sort.count else { return nil }
                parts.append(sortCondition(query.sort, DocumentPath(sort[count].name)))
            }
            return parts.joined(separator: " AND ")
        }

        private mutating func sortCondition(_ sort: SortCondition, _ path: DocumentPath) -> String {
            let name = Condition.Operand.path(path)
            func compared(
                _ comparator: Condition.Comparator, _ value: AttributeValue
            ) -> Condition {
                .compare(name, comparator, .value(value))
            }
            let written: Condition =
                switch sort {
                // The caller writes nothing for it.
                case .any: .attributeExists(path)
                case .equal(let value): compared(.equal, value)
                case .less(let value): compared(.less, value)
                case .lessOrEqual(let value): compared(.lessOrEqual, value)
                case .greater(let value): compared(.greater, value)
                case .greaterOrEqual(let value): compared(.greaterOrEqual, value)
                case .between(let low, let high):
                    .between(name, low: .value(low), high: .value(high))
                case .beginsWith(let prefix): .beginsWith(name, .value(prefix))
                }
            return condition(written)
        }
    }

    // MARK: Updates

    extension ExpressionWriter {
        /// An update.
        mutating func update(_ update: Update) -> String {
            var parts: [(keyword: String, clauses: [String])] = [
                ("SET", []), ("REMOVE", []), ("ADD", []), ("DELETE", []),
            ]
            for clause in update.clauses {
                switch clause {
                case .set(let path, let value):
                    parts[0].clauses.append("\(self.path(path)) = \(assigned(value))")
                case .remove(let path): parts[1].clauses.append(self.path(path))
                case .add(let path, let value):
                    parts[2].clauses.append("\(self.path(path)) \(self.value(value))")
                case .delete(let path, let value):
                    parts[3].clauses.append("\(self.path(path)) \(self.value(value))")
                }
            }
            return parts.filter { !$0.clauses.isEmpty }
                .map { "\($0.keyword) \($0.clauses.joined(separator: ", "))" }
                .joined(separator: " ")
        }

        private mutating func assigned(_ value: Update.Value) -> String {
            switch value {
            case .operand(let operand): self.operand(operand)
            case .sum(let left, let right): "\(operand(left)) + \(operand(right))"
            case .difference(let left, let right): "\(operand(left)) - \(operand(right))"
            }
        }

        private mutating func operand(_ operand: Update.Operand) -> String {
            switch operand {
            case .path(let path): self.path(path)
            case .value(let value): self.value(value)
            case .ifNotExists(let path, let fallback):
                "if_not_exists(\(self.path(path)), \(self.operand(fallback)))"
            case .listAppend(let left, let right):
                "list_append(\(self.operand(left)), \(self.operand(right)))"
            }
        }
    }
#endif
