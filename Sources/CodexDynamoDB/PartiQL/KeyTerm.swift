internal import CodexCore

/// A condition that a query of a key could have: a comparison of an attribute with values.
struct KeyTerm {
    /// The kinds of conditions.
    enum Kind {
        case equal(AttributeValue)
        case oneOf([AttributeValue])
        case range(KeySpan)
    }

    let name: String
    let kind: Kind
    /// The values that the attribute is compared with.
    let values: [AttributeValue]

    /// Reads a condition; `nil` for one that is no such comparison.
    init?(_ condition: Condition) {
        let path: DocumentPath
        switch condition {
        case .compare(.path(let left), .equal, .value(let value)),
            .compare(.value(let value), .equal, .path(let left)):
            (path, kind, values) = (left, .equal(value), [value])
        case .compare(.path(let left), let comparator, .value(let value)):
            guard let span = KeySpan(comparator, value) else { return nil }
            (path, kind, values) = (left, .range(span), [value])
        case .compare(.value(let value), let comparator, .path(let right)):
            guard let span = KeySpan(Self.mirrored(comparator), value) else { return nil }
            (path, kind, values) = (right, .range(span), [value])
        case .between(.path(let left), low: .value(let low), high: .value(let high)):
            (path, kind, values) = (left, .range(.between(low, high)), [low, high])
        case .beginsWith(.path(let left), .value(let prefix)):
            (path, kind, values) = (left, .range(.prefix(prefix)), [prefix])
        case .isIn(.path(let left), let candidates):
            let found = candidates.compactMap { candidate -> AttributeValue? in
                if case .value(let value) = candidate { value } else { nil }
            }
            guard found.count == candidates.count else { return nil }
            (path, kind, values) = (left, .oneOf(found), found)
        default: return nil
        }
        guard path.steps.isEmpty else { return nil }
        name = path.root
    }

    /// The comparator with the sides exchanged.
    private static func mirrored(_ comparator: Condition.Comparator) -> Condition.Comparator {
        switch comparator {
        case .equal, .notEqual: comparator
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }

    /// The ranges of values that pass, one for each value of `IN`.
    var spans: [KeySpan] {
        switch kind {
        case .equal(let value): [.equal(value)]
        case .oneOf(let values): values.map { .equal($0) }
        case .range(let span): [span]
        }
    }

    /// The values that an equality or `IN` allows; `nil` for other conditions.
    var equalValues: [AttributeValue]? {
        switch kind {
        case .equal(let value): [value]
        case .oneOf(let values): values
        case .range: nil
        }
    }

    /// Checks that the values can be those of the key: of its type, and not empty.
    ///
    /// - Throws: `ValidationException`.
    func requireValues(of attribute: KeyAttribute) throws {
        for value in values {
            guard value.type == attribute.type.attributeType else {
                switch value.type {
                case .string, .number, .binary: throw StatementRefusals.keyMismatch(attribute.name)
                default: throw StatementRefusals.keyType(attribute.name, value.type)
                }
            }
            try attribute.requireContent(value)
        }
    }
}
