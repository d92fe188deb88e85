/// The attributes that the items of an entity can have, by its definition and its Swift type.
struct EntityAttributes {
    let definition: EntityDefinition
    private let names: AttributeNames
    /// The attributes that the type's code adds.
    private let further: [String]

    /// The remedy of an unknown attribute for which there is no suggestion.
    private static let remedy =
        " Correct the name. If the type's code reads or writes the attribute by itself, or through "
        + "a key type other than its CodingKeys, name it in furtherAttributes."

    static let mismatchRemedy = " Compare with a value that the field can have."

    /// Looks at a type.
    ///
    /// - Parameters:
    ///   - type: The type.
    ///   - definition: The definition in a schema; `nil` is that of the type.
    init(_ type: any Entity.Type, as definition: EntityDefinition? = nil) {
        self.definition = definition ?? type.definition
        names = type.attributeNames
        further = type.furtherAttributes
    }

    /// Whether it is known which attributes there are.
    var isChecked: Bool {
        if case .unchecked = names { false } else { true }
    }

    /// Whether the type's values have an attribute, which templates can read; `nil` if that cannot
    /// be known.
    private func isReadable(_ name: String) -> Bool? {
        further.contains { ByteOrder.equal($0, name) } ? true : names.hasField(name)
    }

    /// Whether items can have an attribute; `nil` if that cannot be known.
    func has(_ name: String) -> Bool? {
        if definition.keys[name] != nil || definition.derived[name] != nil { return true }
        return isReadable(name)
    }

    /// The type of an attribute, if it is known.
    func type(of name: String) -> AttributeType? {
        if definition.keys[name] != nil, !definition.isCopied(name) { return .string }
        guard let derived = definition.derived[name] else { return names.field(name)?.type }
        if case .copy(let path) = derived.value, path.steps.isEmpty {
            return names.field(path.root)?.type
        }
        return derived.valueType
    }

    /// The declared cases of a field, or of a derived copy of it.
    ///
    /// They include those that the store has and the type does not.
    func cases(of name: String) -> [String]? {
        var name = name
        if let derived = definition.derived[name] {
            guard case .copy(let path) = derived.value, path.steps.isEmpty else { return nil }
            name = path.root
        }
        guard let cases = names.field(name)?.cases else { return nil }
        return cases + (definition.field(named: name)?.cases ?? [])
    }

    /// The end of a message on an unknown attribute: a similar name, or the remedy.
    func suggestion(for name: String) -> String {
        similarName(to: name).map { Suggestion.text($0) } ?? Self.remedy
    }

    /// The attribute that a name was probably meant to be.
    func similarName(to name: String) -> String? {
        var known = further + definition.keys.keys + definition.derived.keys
        switch names {
        case .declared(let fields): known += fields.map(\.name)
        case .keys(let accepts):
            if let found = Suggestion.name(like: name, where: accepts) { return found }
        case .unchecked: break
        }
        return Suggestion.name(like: name, in: known)
    }

    /// The error for a definition that names an attribute in vain.
    ///
    /// - Parameters:
    ///   - name: The attribute.
    ///   - owner: What names it, such as `the template ORDER#{siteId} of key PK`.
    /// - Returns: An error with the code ``CodexError/Code/invalidSchema``.
    func unknown(_ name: String, in owner: String) -> CodexError {
        invalid(
            "\(owner) names \(name.abbreviated()), which the type does not have",
            suggestion(for: name))
    }

    /// The error for a definition that does not fit the type.
    func invalid(_ problem: String, _ remedy: String) -> CodexError {
        CodexError(.invalidSchema, "Entity \(definition.name): \(problem).\(remedy)")
            .inEntity(definition.name)
    }

    // MARK: Checks

    /// Checks the names in the entity's own definition.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema``.
    func validate() throws(CodexError) {
        for (key, template) in definition.keys.sorted(by: { $0.key < $1.key }) {
            try validate(template, "the template \(template.source) of key \(key)")
            guard names.hasField(key) == true else { continue }
            guard definition.isCopied(key) else {
                throw invalid(
                    "its field \(key) has the name of a key attribute, whose template is "
                        + template.source,
                    " The key would replace the field's value. Rename the field, or make the "
                        + "template {\(key)}.")
            }
            guard let type = names.field(key)?.type, type != .string else { continue }
            throw invalid(
                "its field \(key) has the type \(type.rawValue), and is a key attribute with the "
                    + "template \(template.source), which makes text",
                " The field could not be read. Name the key attribute otherwise, such as "
                    + "SK: ROW#{\(key)}.")
        }
        for (name, derived) in definition.derived.sorted(by: { $0.key < $1.key }) {
            let owner = "the derived attribute \(name)"
            if case .template(let template) = derived.value { try validate(template, owner) }
            for read in derived.referencedNames.sorted() where definition.keys[read] == nil {
                guard isReadable(read) != false else { throw unknown(read, in: owner) }
            }
            if case .size(let path) = derived.value, let problem = withoutSize(path) {
                throw invalid("\(owner) \(problem)", " Name a text, a binary, a list, map or set.")
            }
            if let mismatch = derived.condition.flatMap({ self.mismatch(in: $0) }) {
                throw invalid("the condition of \(owner) \(mismatch)", Self.mismatchRemedy)
            }
            guard names.hasField(name) == true else { continue }
            throw invalid(
                "its field \(name) has the name of a derived attribute",
                " The derived value would replace the field's. Rename one of them.")
        }
        for name in definition.sealed where isReadable(name) == false {
            throw unknown(name, in: "the list of encrypted attributes")
        }
    }

    /// Checks that the attributes of a template are fields that can be a part of a key.
    private func validate(_ template: KeyTemplate, _ owner: String) throws(CodexError) {
        for name in template.attributes {
            guard isReadable(name) != false else { throw unknown(name, in: owner) }
            guard let type = names.field(name)?.type, type != .string, type != .number else {
                continue
            }
            throw invalid(
                "\(owner) names \(name), which has the type \(type.rawValue)",
                " A part of a key is text (S) or a number (N).")
        }
    }
}
