/// The cases that declared enumerations had before further cases were added.
///
/// A program whose enumeration lacks a case of the store is either an older program, or it has lost
/// the case by mistake. It is an older one if the store has had exactly its cases before.
package struct CaseHistory: Sendable, Hashable {
    /// The earlier sets of cases, oldest first, by entity and field; each is a part of the next.
    private var earlier: [String: [String: [[String]]]] = [:]

    /// The maximum number of sets of one field; the oldest are forgotten.
    private static let setCountMax = 16

    /// A history without sets.
    package init() {}

    /// Whether there are no sets.
    package var isEmpty: Bool { earlier.isEmpty }

    /// Whether a field had exactly these cases before.
    package func has(_ cases: [String], of field: String, in entity: String) -> Bool {
        earlier[entity]?[field]?.contains { Set($0) == Set(cases) } ?? false
    }

    /// Records the cases of a schema that is replaced by another one.
    ///
    /// A new schema version of an entity begins a new history: programs of earlier versions are
    /// known by their version.
    package mutating func note(_ old: Schema, replacedBy new: Schema) {
        for entity in old.entities {
            let next = new.entities.first { $0.name == entity.name }
            guard let next, next.schemaVersion == entity.schemaVersion else {
                earlier[entity.name] = nil
                continue
            }
            for field in entity.fields {
                guard let cases = field.cases, let later = next.field(named: field.name)?.cases,
                    cases != later
                else { continue }
                let sets = (earlier[entity.name]?[field.name] ?? []) + [cases]
                earlier[entity.name, default: [:]][field.name] = sets.suffix(Self.setCountMax)
            }
        }
    }

    /// Forgets all entities except some.
    package mutating func keep(_ entities: Set<String>) {
        earlier = earlier.filter { entities.contains($0.key) }
    }

    /// Whether each set is of a declared field, and a part of the next one.
    package func fits(_ schema: Schema) -> Bool {
        earlier.allSatisfy { name, fields in
            let entity = schema.entities.first { $0.name == name }
            return fields.allSatisfy { name, sets in
                guard var next = entity?.field(named: name)?.cases.map({ Set($0) }),
                    (1...Self.setCountMax).contains(sets.count)
                else { return false }
                return sets.reversed().allSatisfy { set in
                    defer { next = Set(set) }
                    return !set.isEmpty && next.isStrictSuperset(of: set)
                        && Set(set).count == set.count
                }
            }
        }
    }
}

extension CaseHistory: Codable {
    /// Reads the sets by entity and field.
    package init(from decoder: any Decoder) throws {
        earlier = try decoder.singleValueContainer().decode([String: [String: [[String]]]].self)
    }

    /// Writes the sets by entity and field.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(earlier)
    }
}
