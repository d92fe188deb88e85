// How the definition of an entity in a store takes over that of a program. These are the cases:
//
// - The program has a higher schema version: its definition replaces the stored one, except for
//   the table and the templates of the table's key.
// - It has a lower version: the program is older than the store. The stored definition stays.
// - It has the same version and more: optional fields, cases of enumerations. They are added.
// - It has the same version and less: the program is older, too. The stored definition stays.
// - It has the same version, lacks some fields or cases, and has others: something was renamed, and
//   the version was not raised. That is refused, as are all other differences.
//
// A definition without fields says nothing about them. Encryption is never taken back.

extension EntityDefinition {
    /// The definition in the store after `requested` was merged into this one.
    ///
    /// - Parameters:
    ///   - requested: The program's definition of the entity.
    ///   - primaryKey: The names of the table's key attributes.
    ///   - history: The cases that enumerations of the store had.
    ///   - differences: Gets the differences that are refused.
    /// - Returns: The definition; meaningless if there are differences.
    func merging(
        _ requested: Self, primaryKey: [String], _ history: CaseHistory,
        _ differences: inout [String]
    ) -> Self {
        guard table == requested.table else {
            differences.append(
                "entity \(name) is in table \(table), requested is \(requested.table)")
            return self
        }
        guard schemaVersion == requested.schemaVersion else {
            differences += keyDifferences(to: requested, primaryKey: primaryKey)
            return schemaVersion < requested.schemaVersion
                ? requested.sealing(sealed) : sealing(requested.sealed)
        }
        differences += ruleDifferences(to: requested)
        return with(fields: fields(mergedWith: requested, history, &differences))
            .sealing(requested.sealed)
    }

    private func with(fields: [FieldDefinition]) -> Self {
        Self(
            name, table: table, schemaVersion: schemaVersion, keys: keys, derived: derived,
            fields: fields, sealed: sealed)
    }

    /// The differences in the table's key, which no schema version may change.
    private func keyDifferences(to other: Self, primaryKey: [String]) -> [String] {
        primaryKey.compactMap { attribute in
            guard keys[attribute] != other.keys[attribute] else { return nil }
            return "entity \(name) has the key \(text(attribute)), which no new version may "
                + "change; requested is \(other.text(attribute))"
        }
    }

    /// The differences in key templates and derived attributes, which need a new schema version.
    private func ruleDifferences(to other: Self) -> [String] {
        var differences: [String] = []
        for attribute in Set(keys.keys).union(other.keys.keys).sorted()
        where keys[attribute] != other.keys[attribute] {
            differences.append(
                "entity \(name) has the key \(text(attribute)), requested is "
                    + other.text(attribute))
        }
        for attribute in Set(derived.keys).union(other.derived.keys).sorted()
        where derived[attribute] != other.derived[attribute] {
            differences.append(
                derived[attribute] == nil
                    ? "entity \(name) lacks the derived attribute \(attribute)"
                    : "entity \(name) has another derived attribute \(attribute)")
        }
        return differences
    }

    private func text(_ attribute: String) -> String {
        "\(attribute) = \(keys[attribute]?.source ?? "none")"
    }

    // MARK: Fields

    /// The fields and cases by which a program's definition differs from the stored one.
    private struct FieldChanges {
        /// Optional fields and cases that the program does not have.
        var missing: [String] = []
        /// Optional fields and cases that the store does not have.
        var new: [String] = []
        /// The differences that are refused on their own.
        var differences: [String] = []
    }

    private func fields(
        mergedWith other: Self, _ history: CaseHistory, _ differences: inout [String]
    ) -> [FieldDefinition] {
        // A definition without fields says nothing about them.
        guard !fields.isEmpty else { return other.fields }
        guard !other.fields.isEmpty else { return fields }
        var changes = FieldChanges()
        var merged: [FieldDefinition] = []
        for field in fields {
            if let requested = other.field(named: field.name) {
                merged.append(merging(field, requested, history, &changes))
                continue
            }
            merged.append(field)
            if field.isOptional {
                changes.missing.append(field.name)
            } else {
                changes.differences.append(
                    "entity \(name) has the field \(field.name), requested is none")
            }
        }
        for requested in other.fields where field(named: requested.name) == nil {
            merged.append(requested)
            if requested.isOptional {
                changes.new.append(requested.name)
            } else {
                changes.differences.append(
                    "entity \(name) lacks the required field \(requested.name)")
            }
        }
        differences += changes.differences
        if let renaming = renaming(changes) { differences.append(renaming) }
        return merged
    }

    /// The stored field after a program's definition of it was merged into it.
    private func merging(
        _ field: FieldDefinition, _ requested: FieldDefinition, _ history: CaseHistory,
        _ changes: inout FieldChanges
    ) -> FieldDefinition {
        guard field.type == requested.type, field.isOptional == requested.isOptional else {
            changes.differences.append(
                "field \(field.name) of entity \(name) is \(field.text), requested is "
                    + requested.text)
            return field
        }
        // A definition without cases says nothing about them.
        guard let cases = requested.cases else { return field }
        guard let stored = field.cases else { return requested }
        let missing = Set(stored).subtracting(cases).sorted()
        let new = Set(cases).subtracting(stored).sorted()
        changes.new += new.map { "\(field.name).\($0)" }
        if !missing.isEmpty, new.isEmpty, !history.has(cases, of: field.name, in: name) {
            changes.differences.append(
                "field \(field.name) of entity \(name) has the cases "
                    + "\(missing.joined(separator: ", ")), which the program lacks")
        } else {
            changes.missing += missing.map { "\(field.name).\($0)" }
        }
        return new.isEmpty ? field : field.with(cases: stored + new)
    }

    /// The difference of a program that lacks fields or cases and has others; `nil` if it does not.
    private func renaming(_ changes: FieldChanges) -> String? {
        guard let missing = changes.missing.first, let new = changes.new.first else { return nil }
        guard changes.missing.count == 1, changes.new.count == 1 else {
            return "entity \(name) has \(changes.missing.joined(separator: ", ")), requested are "
                + "\(changes.new.joined(separator: ", ")) instead (was one of them renamed? Raise "
                + "the schemaVersion and write upgrade(_:from:); if they belong to different "
                + "programs, name all of them in each)"
        }
        return "entity \(name) has \(missing), requested is \(new) instead (was \(missing) renamed "
            + "to \(new)? Raise the schemaVersion and write upgrade(_:from:); if they belong to "
            + "different programs, name both in each)"
    }
}

extension FieldDefinition {
    fileprivate var text: String { (isOptional ? "optional " : "required ") + type.rawValue }

    fileprivate func with(cases: [String]) -> Self {
        isOptional ? .optional(name, type, cases: cases) : .required(name, type, cases: cases)
    }
}
