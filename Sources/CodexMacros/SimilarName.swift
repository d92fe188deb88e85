#if Macros
    /// Finds the name that a misspelled name was probably meant to be.
    ///
    /// The plug-in cannot use the library, which is built with it. So the rules of `Suggestion` are
    /// here in short: another case, other separators, or few edits.
    enum SimilarName {
        /// The name in a list that is most similar to `name`; `nil` if none is similar.
        static func name(like name: String, in names: [String]) -> String? {
            let limit = name.count < 6 ? 1 : 2
            var best: (name: String, editCount: Int)?
            for candidate in names.sorted() where candidate != name {
                let isRespelled = folded(candidate) == folded(name)
                let count = isRespelled ? 0 : editCount(Array(name), Array(candidate))
                guard count <= limit, count < candidate.count else { continue }
                if best.map({ count < $0.editCount }) ?? true { best = (candidate, count) }
            }
            return best?.name
        }

        /// The letters and digits of a name, in lower case.
        private static func folded(_ name: String) -> String {
            String(name.lowercased().filter { $0.isLetter || $0.isNumber })
        }

        /// The least number of added, removed and replaced characters that make one name the other.
        private static func editCount(_ left: [Character], _ right: [Character]) -> Int {
            var previous = Array(0...right.count)
            for (row, character) in left.enumerated() {
                var current = [row + 1]
                for (column, other) in right.enumerated() {
                    let replaced = previous[column] + (character == other ? 0 : 1)
                    current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
                }
                previous = current
            }
            return previous[right.count]
        }
    }
#endif
