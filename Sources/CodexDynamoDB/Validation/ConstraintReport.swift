/// The message about all constraints that a request violates.
///
/// ``RequestChecker`` asks for it after it found a violation, so only refused requests pay for it.
/// The JSON must have the types of the table.
struct ConstraintReport {
    /// AWS reports no more violations: a test of dynalite has eleven, of which ten are expected
    /// (architect/dynalite, test/scan.js).
    private static let violationCountMax = 10

    private let shapes = RequestShapes.all
    private let operation: String
    private var violations: [String] = []
    /// The first violation of those that are reported after all others.
    private var last: ServiceError?

    private init(_ operation: String) { self.operation = operation }

    /// The error for a request; `nil` if it violates nothing.
    ///
    /// - Parameters:
    ///   - document: A cursor at the request's object.
    ///   - shape: The shape of the operation's input.
    ///   - operation: The name of the operation.
    /// - Returns: The error for all violations; `nil` if there is none.
    static func error(
        _ document: JSONCursor, _ shape: RequestShape, _ operation: String
    ) -> ServiceError? {
        var report = ConstraintReport(operation)
        let positions = report.shapes.positions(of: shape, at: document)
        for (offset, position) in positions.enumerated()
        where position == nil && shape.present >> UInt32(offset) & 1 == 1 {
            return ServiceError.validation(
                Messages.notPresent(report.shapes.name(ofMember: offset, shape)))
        }
        report.addMembers(of: shape, document, ParameterPath())
        guard !report.violations.isEmpty else { return report.last }
        return ServiceError.validation(Messages.violations(report.violations))
    }

    private var isFull: Bool { violations.count >= Self.violationCountMax }

    private mutating func add(_ violation: String) {
        if !isFull { violations.append(violation) }
    }

    private mutating func addLast(_ message: String) {
        last = last ?? ServiceError.validation(message)
    }

    // MARK: Parts of values

    /// Adds the violations of a structure's members.
    private mutating func addMembers(
        of shape: RequestShape, _ cursor: JSONCursor, _ path: ParameterPath
    ) {
        for (offset, position) in shapes.positions(of: shape, at: cursor).enumerated() {
            let path = path.member(shapes.name(ofMember: offset, shape))
            if let position {
                let index = shapes.shape(ofMember: offset, shape)
                addValue(index, cursor.moved(to: position), path)
            } else if shape.required >> UInt32(offset) & 1 == 1 {
                add(Messages.null(path.text))
            }
        }
    }

    /// Adds the violations of a value and of its parts.
    private mutating func addValue(_ index: Int, _ cursor: JSONCursor, _ path: ParameterPath) {
        guard !isFull else { return }
        let shape = shapes[index]
        for constraint in shapes.violations(shape, at: cursor) {
            if constraint.kind == .filled {
                addLast(Messages.required(path.text, operation))
            } else {
                let requirement = shapes.requirement(constraint, shape)
                if shape.isPlain {
                    let violation = Messages.violation(nil, path.plain, requirement)
                    addLast(Messages.violations([violation]))
                } else {
                    add(requirement, of: index, cursor, path)
                }
            }
        }
        addSharedViolations(index, cursor, path)
        addContent(index, cursor, path)
    }

    private mutating func add(
        _ requirement: String, of index: Int, _ cursor: JSONCursor, _ path: ParameterPath
    ) {
        guard !isFull else { return }
        add(Messages.violation(EchoedValue.text(index, cursor), path.text, requirement))
    }

    /// Adds the violations by a map's keys, a map's values and a list's elements.
    ///
    /// AWS reports them once for all of them, with all constraints.
    private mutating func addSharedViolations(
        _ index: Int, _ cursor: JSONCursor, _ path: ParameterPath
    ) {
        let shape = shapes[index]
        guard shape.kind == .map || shape.kind == .list else { return }
        let (key, element) = (shapes[shape.key], shapes[shape.element])
        let found = sharedViolations(shape, cursor)
        if found.byKeys {
            let requirements = shapes.requirements(key)
            add("Map keys must satisfy constraint: \(requirements)", of: index, cursor, path)
        }
        if found.byElements {
            let subject = shape.kind == .map ? "Map value" : "Member"
            let requirements = shapes.requirements(element)
            add("\(subject) must satisfy constraint: \(requirements)", of: index, cursor, path)
        }
    }

    /// Whether some keys of a map, and some of its values or of a list's elements violate
    /// constraints.
    private func sharedViolations(
        _ shape: RequestShape, _ cursor: JSONCursor
    ) -> (byKeys: Bool, byElements: Bool) {
        let (key, element) = (shapes[shape.key], shapes[shape.element])
        var cursor = cursor
        var found = (byKeys: false, byElements: false)
        let isMap = cursor.take(UInt8(ascii: "{"))
        if !isMap { _ = cursor.take(UInt8(ascii: "[")) }
        while true {
            if isMap {
                guard let name = cursor.nextWrittenName() else { return found }
                found.byKeys =
                    found.byKeys || !shapes.violations(ofText: name, in: cursor, key).isEmpty
            } else {
                guard cursor.nextElement() else { return found }
            }
            if !cursor.isAtNull, !element.isPlain {
                found.byElements =
                    found.byElements || !shapes.violations(element, at: cursor).isEmpty
            }
            cursor.skip()
        }
    }

    /// Adds the violations in the parts of a value.
    private mutating func addContent(_ index: Int, _ cursor: JSONCursor, _ path: ParameterPath) {
        let shape = shapes[index]
        switch shape.kind {
        case .structure: addMembers(of: shape, cursor, path)
        case .list: addElements(shape, cursor, path)
        case .map: addEntries(shape, cursor, path)
        default: break
        }
    }

    private mutating func addElements(
        _ shape: RequestShape, _ cursor: JSONCursor, _ path: ParameterPath
    ) {
        guard shapes[shape.element].kind != .value else { return }
        var cursor = cursor
        _ = cursor.take(UInt8(ascii: "["))
        var number = 0
        while !isFull, cursor.nextElement() {
            number += 1
            let path = path.element(number)
            if cursor.isAtNull {
                add(Messages.null(path.text))
            } else {
                addContent(shape.element, cursor, path)
            }
            cursor.skip()
        }
    }

    private mutating func addEntries(
        _ shape: RequestShape, _ cursor: JSONCursor, _ path: ParameterPath
    ) {
        switch shapes[shape.element].kind {
        case .structure, .list, .map: break
        default: return
        }
        var cursor = cursor
        _ = cursor.take(UInt8(ascii: "{"))
        while !isFull, let name = cursor.nextWrittenName() {
            if !cursor.isAtNull {
                let key = EchoedValue.text(of: name, in: cursor)
                addContent(shape.element, cursor, path.entry(key))
            }
            cursor.skip()
        }
    }
}
