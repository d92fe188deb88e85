/// An attribute that the store makes from an item's other attributes, at each write.
///
/// It exists while its condition holds, and while the attributes that it is made of exist. So an
/// index on it contains the items that fulfil the condition, and no others:
///
/// ```swift
/// static let definition = EntityDefinition(
///     "workOrder", table: "main", keys: ["PK": "ORDER#{id}", "SK": "ORDER"],
///     derived: [
///         "openSite": .template("SITE#{siteID}", when: Attribute<String>("status") == "open"),
///         "partCount": .size(of: "parts"),
///     ])
/// ```
///
/// The definition is data: it is in the store's manifest, and each process computes the attribute
/// by it, also one that does not have the Swift type. It concerns the items that the store knows as
/// the entity's. Raw items, which have no entity, are stored as they are.
///
/// A value that a write gives for the attribute has no effect. The attribute is part of the stored
/// item: its bytes count, and changes and returned items have it.
///
/// A derived attribute reads the item's fields and the key attributes of its table. It reads no
/// derived attribute, and no encrypted one.
public struct DerivedAttribute: Sendable, Hashable {
    /// How the value is made.
    public indirect enum Value: Sendable, Hashable {
        /// Text from a template; there is no value while the item lacks an attribute of it.
        case template(KeyTemplate)
        /// The value at a path; there is no value while nothing is there.
        case copy(DocumentPath)
        /// The size of the value at a path, as ``Condition/Operand/size(_:)``; there is no value
        /// while the value has no size.
        case size(DocumentPath)
        /// The same value in each item.
        case constant(AttributeValue)
    }

    /// How the value is made.
    public let value: Value
    /// The condition under which the attribute exists; `nil` is always.
    ///
    /// It follows the rules for conditions of writes. The conditions of all derived attributes
    /// together take at most ``StoreLimits/conditionStepCountMax`` steps for an item.
    public let condition: Condition?

    /// Defines an attribute.
    public init(_ value: Value, when condition: Condition? = nil) {
        self.value = value
        self.condition = condition
    }

    /// Text from a template, as the key of an index.
    ///
    /// A write is refused (``CodexError/Code/invalidIdentifier``) if an attribute of the template
    /// has a value that no key may contain.
    public static func template(_ template: KeyTemplate, when condition: Condition? = nil) -> Self {
        Self(.template(template), when: condition)
    }

    /// The value at a path, for example a field that an index has only under a condition.
    public static func copy(of path: DocumentPath, when condition: Condition? = nil) -> Self {
        Self(.copy(path), when: condition)
    }

    /// The size of the value at a path: the number of elements of a list, map or set, the number of
    /// bytes of a binary, or the number of UTF-16 code units of text.
    public static func size(of path: DocumentPath, when condition: Condition? = nil) -> Self {
        Self(.size(path), when: condition)
    }

    /// The same value in each item, for example a mark of the items that fulfil a condition.
    public static func constant(_ value: AttributeValue, when condition: Condition? = nil) -> Self {
        Self(.constant(value), when: condition)
    }
}

extension DerivedAttribute {
    /// The names of the attributes that the value and the condition are made of.
    package var referencedNames: Set<String> {
        var names = Set(condition?.paths.map(\.root) ?? [])
        switch value {
        case .template(let template): names.formUnion(template.attributes)
        case .copy(let path), .size(let path): names.insert(path.root)
        case .constant: break
        }
        return names
    }

    /// Checks what does not depend on the entity.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` for a condition that
    ///   ``Condition/validate()`` refuses, or that is nested too deeply;
    ///   ``CodexError/Code/invalidItem`` or ``CodexError/Code/itemTooLarge`` for a constant that no
    ///   item may have.
    package func validate() throws(CodexError) {
        if let condition {
            try condition.requireStorable()
            try condition.validate()
        }
        if case .constant(let value) = value { try Item([("value", value)]).validate() }
    }

    /// The value in an item; `nil` if the attribute is absent.
    ///
    /// The steps of the condition are subtracted. The answer is meaningless if they are below zero.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a value that is not allowed in a key.
    fileprivate func made(
        of item: Item, _ steps: inout Int
    ) throws(CodexError) -> AttributeValue? {
        if let condition {
            guard condition.evaluate(item, steps: &steps), steps >= 0 else { return nil }
        }
        switch value {
        case .template(let template): return try template.render(item).map { .string($0) }
        case .copy(let path): return item[path: path]
        case .size(let path): return Condition.Operand.size(of: item[path: path], &steps)
        case .constant(let value): return value
        }
    }
}

// MARK: Of an entity

/// The derived attributes of an entity, in the order in which they are computed.
package struct Derivation: Sendable {
    /// The version of the entity's definition.
    package let schemaVersion: Int
    private let entity: String
    private let attributes: [(name: String, attribute: DerivedAttribute)]

    /// The derived attributes of an entity; `nil` if it has none.
    package init?(_ definition: EntityDefinition) {
        guard !definition.derived.isEmpty else { return nil }
        schemaVersion = definition.schemaVersion
        entity = definition.name
        attributes = definition.derived.map { (name: $0.key, attribute: $0.value) }
            .sorted { ByteOrder.compare($0.name, $1.name) < 0 }
    }

    /// Sets and removes the derived attributes of an item.
    ///
    /// - Throws: As ``EntityDefinition/derive(_:)``.
    package func apply(to item: inout Item) throws(CodexError) {
        var steps = StoreLimits.conditionStepCountMax
        // Without this limit, a few large attributes could make very large items before the check.
        var room = DynamoDBLimits.itemByteCountMax
        for (name, attribute) in attributes {
            let value = try value(of: name, attribute, in: item, &steps)
            guard let value else {
                item[name] = nil
                continue
            }
            room -= name.utf8.count + value.byteCount
            guard room >= 0 else { throw tooLarge }
            // An attribute that stays is not set: the attributes would be copied.
            if let stored = item.element(named: name), stored.seal == .plain,
                stored.value == value
            {
                continue
            }
            item[name] = value
        }
    }

    /// The names of the derived attributes that an item does not have as they should be.
    package func differingNames(in item: Item) -> [String] {
        var names: [String] = []
        for (name, attribute) in attributes {
            var steps = StoreLimits.conditionStepCountMax
            do throws(CodexError) {
                let value = try value(of: name, attribute, in: item, &steps)
                if value != item[name] { names.append(name) }
            } catch {
                names.append(name)
            }
        }
        return names
    }

    /// The value of an attribute in an item.
    private func value(
        of name: String, _ attribute: DerivedAttribute, in item: Item, _ steps: inout Int
    ) throws(CodexError) -> AttributeValue? {
        let value: AttributeValue?
        do throws(CodexError) {
            value = try attribute.made(of: item, &steps)
        } catch {
            throw CodexError(
                error.code,
                "The derived attribute \(name) of \(entity) cannot be made: \(error.message)",
                cause: error.cause)
        }
        guard steps >= 0 else {
            throw CodexError(
                .invalidExpression,
                "The conditions of the derived attributes of \(entity), up to \(name), look at "
                    + "too much of the item. Compare or search less of it.")
        }
        return value
    }

    private var tooLarge: CodexError {
        CodexError(
            .itemTooLarge,
            "The derived attributes of \(entity) have more than "
                + "\(DynamoDBLimits.itemByteCountMax) bytes. Store less in the attributes that "
                + "they are made of.")
    }
}

extension EntityDefinition {
    /// Sets and removes the derived attributes of an item by its other attributes.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a template with a value that is not
    ///   allowed in a key; ``CodexError/Code/invalidExpression`` if the conditions take too many
    ///   steps; ``CodexError/Code/itemTooLarge``.
    package func derive(_ item: inout Item) throws(CodexError) {
        try Derivation(self)?.apply(to: &item)
    }

    /// The names that key templates, derived attributes and their conditions read.
    package var referencedNames: Set<String> {
        var names = Set(keys.values.flatMap(\.attributes))
        for attribute in derived.values { names.formUnion(attribute.referencedNames) }
        return names
    }
}

// MARK: Coding

extension DerivedAttribute: Codable {
    private enum Kind: String { case template, copy, size, constant }

    private static var conditionKey: MemberKey { MemberKey("when") }

    /// Reads the form that ``encode(to:)`` writes.
    ///
    /// - Throws: `DecodingError` for any other form. It also refuses members that a later release
    ///   may add: an attribute that is computed in another way would be wrong.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: MemberKey.self)
        let names = container.allKeys.filter { $0.stringValue != Self.conditionKey.stringValue }
        guard names.count == 1, let key = names.first, let kind = Kind(rawValue: key.stringValue)
        else {
            throw decoder.refusal(
                "A derived attribute has one of the members template, copy, size and constant. "
                    + "It may also have the member when.")
        }
        condition = try container.decodeIfPresent(Condition.self, forKey: Self.conditionKey)
        switch kind {
        case .template:
            let source = try container.decode(String.self, forKey: key)
            value = .template(
                try decoder.refusing { () throws(CodexError) in try KeyTemplate(source) })
        case .copy: value = .copy(try container.decode(PathForm.self, forKey: key).path)
        case .size: value = .size(try container.decode(PathForm.self, forKey: key).path)
        case .constant:
            value = .constant(try container.decode(LiteralForm.self, forKey: key).value)
        }
    }

    /// Writes an object: `{"template": "SITE#{siteID}", "when": …}`.
    ///
    /// `Docs/Format.md` has all forms.
    ///
    /// - Throws: As ``Condition/encode(to:)``.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: MemberKey.self)
        func key(_ kind: Kind) -> MemberKey { MemberKey(kind.rawValue) }
        switch value {
        case .template(let template): try container.encode(template, forKey: key(.template))
        case .copy(let path): try container.encode(PathForm(path), forKey: key(.copy))
        case .size(let path): try container.encode(PathForm(path), forKey: key(.size))
        case .constant(let value):
            try container.encode(LiteralForm(value), forKey: key(.constant))
        }
        try container.encodeIfPresent(condition, forKey: Self.conditionKey)
    }
}
