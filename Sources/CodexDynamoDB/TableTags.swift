internal import CodexCore

/// The tags of a table.
struct TableTags: Sendable {
    struct Tag: Sendable {
        let key: String
        let value: String
    }

    private(set) var all: [Tag]

    /// The most tags of a resource: "Tagging restrictions" in the developer guide.
    private static let countMax = 50
    private static let keyCountMax = 128
    private static let valueCountMax = 256

    init(_ tags: [Tag] = []) { all = tags }

    /// Reads the parameter `Tags`; `nil` if it is missing.
    ///
    /// - Throws: `ValidationException` for tags that AWS refuses.
    init?(_ input: RequestParameters) throws {
        guard let nodes = try input.list("Tags") else { return nil }
        guard nodes.count <= Self.countMax else { throw SettingMessages.tooManyTags }
        all = []
        var known: Set<ExactName> = []
        for node in nodes {
            let tag = try Self.tag(try RequestParameters(node, "Tag"))
            guard known.add(tag.key) else {
                throw SettingMessages.duplicateTag(tag.key)
            }
            all.append(tag)
        }
    }

    private static func tag(_ input: RequestParameters) throws -> Tag {
        let (givenKey, givenValue) = (try input.string("Key"), try input.string("Value"))
        guard let key = givenKey, isValid(key, 1...keyCountMax) else {
            throw SettingMessages.invalidTagKey(givenKey)
        }
        guard !key.hasPrefix("aws:") else { throw SettingMessages.reservedTagKey(key) }
        guard let value = givenValue, isValid(value, 0...valueCountMax) else {
            throw SettingMessages.invalidTagValue(givenValue)
        }
        return Tag(key: key, value: value)
    }

    /// Whether a text has the characters of tags: letters, spaces, digits and `_.:/=+-@`.
    ///
    /// One Swift `Character` may have any number of bytes, so Unicode scalars are counted.
    private static func isValid(_ text: String, _ counts: ClosedRange<Int>) -> Bool {
        counts.contains(text.unicodeScalars.count)
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar.properties.generalCategory {
                case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter,
                    .otherLetter, .spaceSeparator, .lineSeparator, .paragraphSeparator,
                    .decimalNumber, .letterNumber, .otherNumber:
                    true
                default: "_.:/=+-@".unicodeScalars.contains(scalar)
                }
            }
    }

    /// Adds tags, or gives those that are there another value.
    ///
    /// - Throws: `ValidationException` if there are too many.
    mutating func add(_ tags: TableTags) throws {
        let keys = Set(names: tags.all.map(\.key))
        let kept = all.filter { !keys.contains($0.key) }
        guard kept.count + tags.all.count <= Self.countMax else {
            throw SettingMessages.tooManyTags
        }
        all = kept + tags.all
    }

    /// Removes the tags with some keys.
    mutating func remove(_ keys: Set<ExactName>) { all.removeAll { keys.contains($0.key) } }

    /// The keys of the parameter `TagKeys`.
    ///
    /// - Throws: `ValidationException` for keys that AWS refuses.
    static func removedKeys(_ input: RequestParameters) throws -> Set<ExactName> {
        guard let keys = try input.strings("TagKeys") else {
            throw RequestParameters.missing("TagKeys")
        }
        guard !keys.isEmpty else { throw SettingMessages.noTagKey }
        guard keys.count <= countMax else { throw SettingMessages.tooManyTags }
        for key in keys where !isValid(key, 1...keyCountMax) {
            throw SettingMessages.invalidTagKey(key)
        }
        return Set(names: keys)
    }
}
