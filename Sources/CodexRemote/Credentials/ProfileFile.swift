#if Remote
    internal import CodexCore

    /// A shared file of AWS's tools: sections with settings, one a line ("Shared config and
    /// credentials files" in the reference guide of the SDKs).
    ///
    /// Names of settings are compared in lower case. A setting in an indented line below another
    /// one, such as `endpoint_url` below `dynamodb =`, is named `dynamodb.endpoint_url` here.
    struct ProfileFile: Sendable, Hashable {
        /// The settings of each section, by the text between its brackets with single spaces.
        private var sections: [String: [String: String]] = [:]

        /// The most bytes of a file.
        static let byteCountMax = 1 << 20

        /// Creates the content of a file that does not exist.
        init() {}

        /// Reads a file.
        ///
        /// - Throws: ``CodexError/Code/credentialsUnavailable`` if it is not UTF-8 or too long. Its
        ///   message has nothing of the file.
        init(parsing bytes: [UInt8], name: String) throws(CodexError) {
            guard bytes.count <= Self.byteCountMax,
                let text = String(validating: bytes, as: UTF8.self)
            else {
                throw CodexError.noCredentials(
                    "The file of \(name) is longer than 1 MiB, or is not UTF-8. Correct the file.")
            }
            var section: String?
            var parent: String?
            let content = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
            // A carriage return and a line feed are one character.
            for line in content.split(whereSeparator: \.isNewline) {
                if let name = Self.section(line) {
                    (section, parent) = (name, nil)
                } else if let section, let setting = Self.setting(line) {
                    let isNested = line.first?.isWhitespace == true
                    if isNested, let parent {
                        sections[section, default: [:]]["\(parent).\(setting.name)"] = setting.value
                    } else {
                        sections[section, default: [:]][setting.name] = setting.value
                        parent = setting.value.isEmpty ? setting.name : nil
                    }
                }
            }
        }

        /// The settings of a section, or `nil`.
        subscript(section: String) -> [String: String]? { sections[section] }

        /// The text between the brackets of a section's first line, with single spaces; `nil` if
        /// the line is another one.
        private static func section(_ line: Substring) -> String? {
            guard line.first == "[", let end = line.firstIndex(of: "]") else { return nil }
            let words = line[line.index(after: line.startIndex)..<end].split(
                whereSeparator: \.isWhitespace)
            let text = words.joined(separator: " ")
            // A name with spaces is in quotes.
            guard let quote = text.last, quote == "\"" || quote == "'",
                let first = text.firstIndex(of: quote), text.index(after: first) < text.endIndex
            else { return text }
            return String(text[..<first] + text[text.index(after: first)...].dropLast())
        }

        /// The name and the value of a line; `nil` for a comment, an empty line, and others.
        private static func setting(_ line: Substring) -> (name: String, value: String)? {
            let text = trimmed(line)
            guard let first = text.first, first != "#", first != ";",
                let equals = text.firstIndex(of: "=")
            else { return nil }
            let name = trimmed(text[..<equals]).lowercased()
            let value = withoutComment(text[text.index(after: equals)...])
            return name.isEmpty ? nil : (name, String(trimmed(value)))
        }

        /// The text before a comment, which begins after a space.
        private static func withoutComment(_ text: Substring) -> Substring {
            var isAfterSpace = false
            for place in text.indices {
                if isAfterSpace, text[place] == "#" || text[place] == ";" { return text[..<place] }
                isAfterSpace = text[place].isWhitespace
            }
            return text
        }

        private static func trimmed(_ text: Substring) -> Substring {
            var text = text.drop { $0.isWhitespace }
            while text.last?.isWhitespace == true { text = text.dropLast() }
            return text
        }
    }
#endif
