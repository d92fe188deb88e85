extension DerivedAttribute {
    /// The type of the value; `nil` if it is that of another attribute.
    var valueType: AttributeType? {
        switch value {
        case .template: .string
        case .size: .number
        case .constant(let value): value.type
        case .copy: nil
        }
    }
}

extension EntityDefinition {
    /// Whether the template of a key attribute is the attribute itself: `{id}` for `id`.
    func isCopied(_ key: String) -> Bool { keys[key]?.copies(key) ?? false }

    /// Checks that each derived attribute depends on fields and the table's key alone.
    ///
    /// So the order in which they are derived has no effect, and each process derives the same.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema``.
    func requireDerivable(_ table: TableDefinition) throws(CodexError) {
        let tableKeys = Set(table.keyAttributes.map(\.name))
        for (name, derived) in derived.sorted(by: { $0.key < $1.key }) {
            let owner = "the derived attribute \(name.abbreviated()) of entity \(self.name)"
            guard (1...DynamoDBLimits.attributeNameByteCountMax).contains(name.utf8.count) else {
                throw Schema.invalid("\(owner) has an empty or over-long name")
            }
            guard keys[name] == nil, !tableKeys.contains(name),
                !fields.contains(where: { $0.name == name })
            else { throw Schema.invalid("\(owner) is a key or a field, too") }
            do throws(CodexError) {
                try derived.validate()
            } catch {
                throw Schema.invalid("\(owner) is refused: \(error.message)")
            }
            for read in derived.referencedNames.sorted() {
                guard self.derived[read] == nil,
                    keys[read] == nil || tableKeys.contains(read) || isCopied(read)
                else {
                    throw Schema.invalid(
                        "\(owner) reads \(read), which is the key of an index or a derived "
                            + "attribute: it may read fields only")
                }
            }
        }
        for (key, template) in keys.sorted(by: { $0.key < $1.key }) {
            for read in template.attributes where derived[read] != nil {
                throw Schema.invalid(
                    "the template \(template.source) of key \(key) of entity \(name) reads the "
                        + "derived attribute \(read): it may read fields only")
            }
        }
    }
}
