/// A path in a stored definition: text as `parts[0].name`, or a list of its steps.
///
/// Text is written if it is read as the same path. A name with a dot or a bracket needs the list:
/// `["na.me", 0, "x"]`.
struct PathForm: Codable {
    let path: DocumentPath

    init(_ path: DocumentPath) { self.path = path }

    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            path = try decoder.refusing { () throws(CodexError) in
                try DocumentPath(parsing: text)
            }
            return
        }
        var container = try decoder.unkeyedContainer()
        var steps: [DocumentPath.Step] = []
        while !container.isAtEnd {
            if let name = try? container.decode(String.self) {
                steps.append(.name(name))
            } else {
                let index = try container.decode(Int.self)
                guard index >= 0 else { throw decoder.refusal(Self.negativeIndex) }
                steps.append(.index(index))
            }
        }
        guard case .name(let root)? = steps.first else {
            throw decoder.refusal("A path begins with the name of an attribute.")
        }
        path = DocumentPath(root: root, steps: Array(steps.dropFirst()))
    }

    func encode(to encoder: any Encoder) throws {
        let text = path.description
        if let parsed = try? DocumentPath(parsing: text), parsed == path {
            var container = encoder.singleValueContainer()
            try container.encode(text)
            return
        }
        var container = encoder.unkeyedContainer()
        for step in path.allSteps {
            switch step {
            case .name(let name): try container.encode(name)
            case .index(let index):
                guard index >= 0 else { throw encoder.refusal(Self.negativeIndex) }
                try container.encode(index)
            }
        }
    }

    private static var negativeIndex: String { "The index of a list's element is at least 0." }
}
