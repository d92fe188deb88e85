/// Finds the name that a misspelled name was probably meant to be.
///
/// Two names are similar if they differ in case, in separators between words, or by one edit: a
/// character that was added, removed, replaced, or swapped with the next one.
package enum Suggestion {
    /// The longest name for which suggestions are sought, in bytes.
    private static let byteCountMax = 64
    /// The most words for which all spellings are tried.
    private static let wordCountMax = 4
    /// The least number of characters for which names that differ by an edit are similar.
    private static let editedCountMin = 3
    private static let alphabet = Array(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")

    /// The name in a list that is most similar to `name`; `nil` if none is similar.
    ///
    /// - Parameters:
    ///   - name: The misspelled name.
    ///   - names: The names that exist.
    /// - Returns: The most similar name.
    /// - Complexity: O(*n* · *m*²) for *n* names and *m* characters.
    package static func name(like name: String, in names: some Sequence<String>) -> String? {
        guard name.utf8.count <= byteCountMax else { return nil }
        let (letters, characters) = (folded(name), Array(name))
        var best: (name: String, editCount: Int)?
        // A long name may have two mistakes, and a short one is similar to all others.
        let limit = characters.count < editedCountMin ? 0 : characters.count < 6 ? 1 : 2
        for candidate in names.sorted() where !ByteOrder.equal(candidate, name) {
            guard candidate.utf8.count <= 2 * byteCountMax else { continue }
            let isRespelled = !letters.isEmpty && letters == folded(candidate)
            let count = isRespelled ? 0 : editCount(characters, Array(candidate))
            guard count <= limit else { continue }
            if best.map({ count < $0.editCount }) ?? true { best = (candidate, count) }
        }
        return best?.name
    }

    /// A name similar to `name` that `isKnown` accepts; `nil` if it accepts none.
    ///
    /// - Parameters:
    ///   - name: The misspelled name.
    ///   - isKnown: Whether a name exists.
    /// - Returns: The first similar name that exists.
    /// - Complexity: It calls `isKnown` at most some thousand times.
    package static func name(like name: String, where isKnown: (String) -> Bool) -> String? {
        guard name.utf8.count <= byteCountMax else { return nil }
        func accepts(_ candidate: String) -> Bool {
            !candidate.isEmpty && !ByteOrder.equal(candidate, name) && isKnown(candidate)
        }
        if let found = respellings(of: name).first(where: accepts) { return found }
        return name.count < editedCountMin ? nil : firstEdit(of: Array(name), where: accepts)
    }

    /// The end of a message that suggests a name: empty, or ` Did you mean siteID?`.
    package static func text(_ name: String?) -> String {
        name.map { " Did you mean \($0)?" } ?? ""
    }

    // MARK: Case and separators

    /// The letters and digits of a name, in lower case.
    private static func folded(_ name: String) -> String {
        String(name.lowercased().filter { $0.isLetter || $0.isNumber })
    }

    /// The words of a name: `siteID`, `SiteId` and `site_id` have the words `site` and `id`.
    private static func words(_ name: String) -> [String] {
        var words: [String] = []
        var word = ""
        let characters = Array(name)
        func isUpper(_ index: Int) -> Bool {
            characters.indices.contains(index) && characters[index].isUppercase
        }
        for (index, character) in characters.enumerated() {
            let isPart = character.isLetter || character.isNumber
            // A word begins at a capital after a small letter, and at the last of some capitals.
            let isStart =
                isUpper(index)
                && (!isUpper(index - 1)
                    || characters.indices.contains(index + 1) && characters[index + 1].isLowercase)
            if !isPart || isStart, !word.isEmpty {
                words.append(word)
                word = ""
            }
            if isPart { word += character.lowercased() }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }

    /// Other spellings of a name, the usual ones first.
    private static func respellings(of name: String) -> [String] {
        let words = words(name)
        guard let first = words.first else { return [] }
        var spellings: [String] = []
        if words.count <= wordCountMax {
            for tail in tails(words.dropFirst()) {
                spellings += [first + tail, capitalized(first) + tail, first.uppercased() + tail]
            }
        }
        for separator in ["_", "-", ""] {
            let joined = words.joined(separator: separator)
            spellings += [joined, joined.uppercased()]
        }
        // The boundary of the words may be missing: `siteid`.
        let flat = words.joined()
        for index in flat.indices.dropFirst() {
            let (head, tail) = (String(flat[..<index]), String(flat[index...]))
            spellings += [head + capitalized(tail), head + tail.uppercased()]
        }
        return spellings
    }

    /// The words with a capital or in capitals, in all combinations.
    private static func tails(_ words: ArraySlice<String>) -> [String] {
        words.reduce([""]) { tails, word in
            tails.flatMap { [$0 + capitalized(word), $0 + word.uppercased()] }
        }
    }

    private static func capitalized(_ word: String) -> String {
        word.prefix(1).uppercased() + word.dropFirst()
    }

    // MARK: Edits

    /// The first name that is accepted, among those that differ by one edit.
    private static func firstEdit(
        of name: [Character], where accepts: (String) -> Bool
    ) -> String? {
        for index in name.indices {
            var removed = name
            removed.remove(at: index)
            if accepts(String(removed)) { return String(removed) }
            guard index > 0 else { continue }
            var swapped = name
            swapped.swapAt(index - 1, index)
            if accepts(String(swapped)) { return String(swapped) }
        }
        for index in 0...name.count {
            for character in alphabet {
                if index < name.count {
                    var replaced = name
                    replaced[index] = character
                    if accepts(String(replaced)) { return String(replaced) }
                }
                var added = name
                added.insert(character, at: index)
                if accepts(String(added)) { return String(added) }
            }
        }
        return nil
    }

    /// The least number of edits that make one name the other.
    private static func editCount(_ left: [Character], _ right: [Character]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var before: [Int] = []
        var previous = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let isSame = left[row - 1] == right[column - 1]
                var least = min(
                    previous[column] + 1, current[column - 1] + 1,
                    previous[column - 1] + (isSame ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2],
                    left[row - 2] == right[column - 1]
                {
                    least = min(least, before[column - 2] + 1)
                }
                current.append(least)
            }
            (before, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
