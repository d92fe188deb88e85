extension EntityDefinition {
    /// The names of the attributes whose values or rules differ between two schema versions.
    ///
    /// These are fields, key attributes and derived attributes. A field that is new or gone counts
    /// as well. A field that got further cases does not: its present values stay. If only one
    /// version declares fields, each of them may differ, and counts. If none does, no field counts.
    package func changedNames(to new: EntityDefinition) -> Set<String> {
        var changed: Set<String> = []
        if fields.isEmpty != new.fields.isEmpty {
            // One version does not say what its fields are.
            changed.formUnion((fields + new.fields).map(\.name))
        } else {
            for name in Set((fields + new.fields).map(\.name)) {
                let (old, new) = (field(named: name), new.field(named: name))
                guard let old, let new, old.hasSameValues(as: new) else {
                    changed.insert(name)
                    continue
                }
            }
        }
        for name in Set(keys.keys).union(derived.keys).union(new.keys.keys).union(new.derived.keys)
        where keys[name] != new.keys[name] || derived[name] != new.derived[name] {
            changed.insert(name)
        }
        return changed
    }

    /// The names of the attributes from which a key attribute or derived attribute is made.
    ///
    /// It is empty for any other attribute.
    package func sources(of attribute: String) -> Set<String> {
        if let derived = derived[attribute] { return derived.referencedNames }
        return Set(keys[attribute]?.attributes ?? [])
    }

    /// Whether the definition says how the attribute is made.
    package func makes(_ attribute: String) -> Bool {
        keys[attribute] != nil || derived[attribute] != nil
    }

    /// The declared field with a name.
    package func field(named name: String) -> FieldDefinition? {
        fields.first { $0.name == name }
    }
}

extension FieldDefinition {
    /// Whether each value of the field is also one of `new`, with the same meaning.
    fileprivate func hasSameValues(as new: FieldDefinition) -> Bool {
        guard type == new.type, isOptional == new.isOptional else { return false }
        guard let cases, let newCases = new.cases else { return true }
        return Set(newCases).isSuperset(of: cases)
    }
}
