#if Remote
    internal import CodexCore

    /// Writes conditions, updates and projections in DynamoDB's language, with placeholders for all
    /// names and values.
    struct ExpressionWriter {
        /// The names of `#0`, `#1` and so on.
        private var names: [String] = []
        /// The values of `:0`, `:1` and so on.
        private var values: [AttributeValue] = []
        /// The operators and functions of the expression that is being written.
        private var operatorCount = 0
        /// The most operators and functions of an expression, and the most bytes.
        private var most = (operatorCount: 0, byteCount: 0)

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

        /// Refuses expressions that are longer than DynamoDB takes.
        ///
        /// - Throws: ``CodexError/Code/invalidExpression``.
        func requireLengths() throws(CodexError) {
            let operatorCountMax = DynamoDBLimits.expressionOperatorCountMax
            let byteCountMax = DynamoDBLimits.expressionByteCountMax
            guard most.operatorCount <= operatorCountMax, most.byteCount <= byteCountMax else {
                throw CodexError(
                    .invalidExpression,
                    "The expression has \(most.operatorCount) operators and functions, and "
                        + "\(most.byteCount) bytes. DynamoDB takes \(operatorCountMax), and "
                        + "\(byteCountMax) bytes. Nothing was sent. Compare or name fewer "
                        + "attributes: keep those that belong together in a map.")
            }
        }

        /// Writes one expression, and counts its operators and bytes.
        private mutating func counted(_ write: (inout Self) -> String) -> String {
            operatorCount = 0
            let text = write(&self)
            most.operatorCount = max(most.operatorCount, operatorCount)
            most.byteCount = max(most.byteCount, text.utf8.count)
            return text
        }

        /// A path; each name in it is a placeholder.
        private mutating func path(_ path: DocumentPath) -> String {
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
        private mutating func value(_ value: AttributeValue) -> String {
            values.append(value)
            return ":\(values.count - 1)"
        }

        /// A projection.
        mutating func projection(_ projection: Projection) -> String {
            counted { writer in projection.paths.map { writer.path($0) }.joined(separator: ", ") }
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
            counted { $0.text(of: condition) }
        }

        private mutating func text(of condition: Condition) -> String {
            operatorCount += 1
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
                return "\(text(of: left)) OR \(text(of: right))"
            case .not(let inner): return "NOT (\(text(of: inner)))"
            }
        }

        /// A part of a condition that is joined by AND: OR binds less.
        private mutating func joined(_ part: Condition) -> String {
            let text = text(of: part)
            if case .or = part { return "(\(text))" }
            return text
        }

        private mutating func operand(_ operand: Condition.Operand) -> String {
            switch operand {
            case .path(let path): self.path(path)
            case .value(let value): self.value(value)
            case .size(let path): sized(path)
            }
        }

        private mutating func sized(_ path: DocumentPath) -> String {
            operatorCount += 1
            return "size(\(self.path(path)))"
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
            if query.sort != .any, count == sort.count { return nil }
            return counted { $0.text(of: query, partition + sort, count) }
        }

        private mutating func text(
            of query: TableQuery, _ attributes: [KeyAttribute], _ count: Int
        ) -> String {
            var parts: [String] = []
            for (attribute, value) in zip(attributes, query.partition + query.sortPrefix) {
                parts.append("\(path(DocumentPath(attribute.name))) = \(self.value(value))")
            }
            if query.sort != .any {
                let attribute = attributes[query.partition.count + count]
                parts.append(sortCondition(query.sort, DocumentPath(attribute.name)))
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
            return text(of: written)
        }
    }

    // MARK: Updates

    extension ExpressionWriter {
        /// An update.
        mutating func update(_ update: Update) -> String {
            counted { $0.text(of: update) }
        }

        private mutating func text(of update: Update) -> String {
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
            case .sum(let left, let right): joined(left, "+", right)
            case .difference(let left, let right): joined(left, "-", right)
            }
        }

        private mutating func joined(
            _ left: Update.Operand, _ symbol: String, _ right: Update.Operand
        ) -> String {
            operatorCount += 1
            return "\(operand(left)) \(symbol) \(operand(right))"
        }

        private mutating func operand(_ operand: Update.Operand) -> String {
            switch operand {
            case .path(let path): self.path(path)
            case .value(let value): self.value(value)
            case .ifNotExists(let path, let fallback):
                called("if_not_exists", .path(path), fallback)
            case .listAppend(let left, let right): called("list_append", left, right)
            }
        }

        private mutating func called(
            _ function: String, _ first: Update.Operand, _ second: Update.Operand
        ) -> String {
            operatorCount += 1
            return "\(function)(\(operand(first)), \(operand(second)))"
        }
    }
#endif
