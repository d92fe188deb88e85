internal import CodexCore

/// Writes expressions as text, with a placeholder for each name and value.
struct ExpressionPrinter {
    private(set) var names: [String: String] = [:]
    private(set) var values: [String: AttributeValue] = [:]

    private mutating func name(_ name: String) -> String {
        let placeholder = "#n\(names.count)"
        names[placeholder] = name
        return placeholder
    }

    private mutating func value(_ value: AttributeValue) -> String {
        let placeholder = ":v\(values.count)"
        values[placeholder] = value
        return placeholder
    }

    mutating func path(_ path: DocumentPath) -> String {
        var text = name(path.root)
        for step in path.steps {
            switch step {
            case .name(let next): text += "." + name(next)
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }

    // MARK: Conditions

    /// A condition; both sides of an operator are in parentheses.
    mutating func condition(_ condition: Condition) -> String {
        switch condition {
        case .compare(let left, let comparator, let right):
            return "\(operand(left)) \(comparator.rawValue) \(operand(right))"
        case .between(let middle, let low, let high):
            return "\(operand(middle)) BETWEEN \(operand(low)) AND \(operand(high))"
        case .isIn(let left, let candidates):
            let list = candidates.map { operand($0) }.joined(separator: ",")
            return "\(operand(left)) IN (\(list))"
        case .attributeExists(let path): return "attribute_exists(\(self.path(path)))"
        case .attributeNotExists(let path): return "attribute_not_exists(\(self.path(path)))"
        case .attributeType(let path, let type):
            return "attribute_type(\(self.path(path)),\(value(.string(type.rawValue))))"
        case .beginsWith(let left, let right):
            return "begins_with(\(operand(left)),\(operand(right)))"
        case .contains(let left, let right):
            return "contains(\(operand(left)),\(operand(right)))"
        case .and(let left, let right):
            return "(\(self.condition(left))) AND (\(self.condition(right)))"
        case .or(let left, let right):
            return "(\(self.condition(left))) OR (\(self.condition(right)))"
        case .not(let inner): return "NOT (\(self.condition(inner)))"
        }
    }

    private mutating func operand(_ operand: Condition.Operand) -> String {
        switch operand {
        case .path(let path): self.path(path)
        case .value(let value): self.value(value)
        case .size(let path): "size(\(self.path(path)))"
        }
    }

    // MARK: Updates

    /// An update, whose clauses of one kind follow one another as the parser gives them.
    mutating func update(_ update: Update) -> String {
        var (text, section) = ("", "")
        for clause in update.clauses {
            let (name, body): (String, String) =
                switch clause {
                case .set(let path, let value): ("SET", "\(self.path(path)) = \(right(value))")
                case .remove(let path): ("REMOVE", self.path(path))
                case .add(let path, let value): ("ADD", "\(self.path(path)) \(self.value(value))")
                case .delete(let path, let value):
                    ("DELETE", "\(self.path(path)) \(self.value(value))")
                }
            text += name == section ? ", " : " \(name) "
            text += body
            section = name
        }
        return text
    }

    private mutating func right(_ value: Update.Value) -> String {
        switch value {
        case .operand(let only): operand(only)
        case .sum(let left, let right): "\(operand(left)) + \(operand(right))"
        case .difference(let left, let right): "\(operand(left)) - \(operand(right))"
        }
    }

    private mutating func operand(_ operand: Update.Operand) -> String {
        switch operand {
        case .path(let path): self.path(path)
        case .value(let value): self.value(value)
        case .ifNotExists(let path, let fallback):
            "if_not_exists(\(self.path(path)),\(self.operand(fallback)))"
        case .listAppend(let left, let right):
            "list_append(\(self.operand(left)),\(self.operand(right)))"
        }
    }
}
