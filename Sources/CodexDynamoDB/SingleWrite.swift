internal import CodexCore
internal import CodexStore

/// The effect of a write on an item.
enum WrittenItem {
    /// The item before and after the write.
    case items(old: Item?, new: Item?)
    /// The attributes of a deleted item's keys, and the item's size; `nil` if there was no item.
    case deletion((keys: Item, byteCount: Int)?)
}

/// How the response of a write has the attributes that the write returns.
enum WrittenForm: Sendable {
    /// The member `Attributes`, if there are any.
    case attributes
    /// The list `Items`, which has at most one item.
    case items
    /// The member `Item`, if there are any attributes.
    case item
}

/// The common parameters of single writes.
struct WriteParameters: Sendable {
    /// The parameters that an update comes in.
    enum UpdateForm: Sendable {
        case expression
        case legacy
    }

    /// The table's name or ARN in the request.
    let table: String
    let returning: ReturnValues
    let returnsItemOnFailure: Bool
    let capacity: Capacity.Detail
    let wantsCollections: Bool
    /// The collection of the item, if the response has it.
    var collections = ItemCollections()
    /// Whether the write has a condition.
    var isConditional = false
    /// The form of the update; `nil` if the write is none.
    var update: UpdateForm?
    /// The paths that an update changes.
    var updatedPaths: [DocumentPath] = []
    private(set) var form = WrittenForm.attributes
    /// Whether a failed condition means that the key is taken.
    private var isInsert = false

    /// Creates the parameters of a statement's write.
    init(
        _ write: StatementWrite, _ form: WrittenForm, returnsItemOnFailure: Bool,
        _ capacity: Capacity.Detail
    ) {
        table = write.table
        wantsCollections = false
        update = write.isUpdate ? .expression : nil
        returning = write.returnValues
        self.returnsItemOnFailure = returnsItemOnFailure && !write.isInsert
        self.capacity = capacity
        // The list is there without items, too, so the stored form of an item is not written early.
        isConditional = true
        updatedPaths = write.updatedPaths
        self.form = form
        isInsert = write.isInsert
    }

    init(
        _ input: RequestParameters, _ table: TableReference, _ allowed: [ReturnValues]
    ) throws {
        self.table = table.text
        let text = try input.string("ReturnValues")
        let values: ReturnValues =
            switch text {
            case "ALL_OLD": .allOld
            case "ALL_NEW": .allNew
            case "UPDATED_OLD": .updatedOld
            case "UPDATED_NEW": .updatedNew
            default: .none
            }
        guard allowed.contains(values) else {
            // [dynalite] putItem, deleteItem
            throw ServiceError.validation("ReturnValues can only be ALL_OLD or NONE")
        }
        returning = values
        returnsItemOnFailure = try Self.returnsItemOnFailure(input)
        capacity = try DynamoDBService.capacityDetail(input)
        wantsCollections = try DynamoDBService.wantsCollections(input)
    }

    static func returnsItemOnFailure(_ input: RequestParameters) throws -> Bool {
        try input.string("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    }

    /// The item that a put or delete must return: the old one only if the response needs it
    /// decoded.
    var returningOld: ReturnValues {
        let isNeeded = capacity != .none || returning != .none && !showsStoredItem
        return isNeeded ? .allOld : .none
    }

    /// Whether the response has the old item in its stored form, written before the item is
    /// replaced.
    ///
    /// With a condition, the response needs the item only if the condition holds.
    var showsStoredItem: Bool { returning == .allOld && !isConditional }

    /// Whether a delete returns a size instead of the item, because the response needs only the
    /// size.
    func measuresDeletion(from table: TableDefinition) -> Bool {
        capacity != .none && !isConditional && table.countsDeletionsByKeys
    }

    /// The attributes in the response, from the item before and after the write.
    func attributes(_ item: WrittenItem) throws -> Item? {
        guard case .items(let old, let new) = item else { return nil }
        let attributes: Item? =
            switch returning {
            case .none: nil
            case .allOld: old
            case .allNew: new
            case .updatedOld: try updated(old)
            case .updatedNew: try updated(new)
            }
        return attributes.flatMap { $0.isEmpty ? nil : $0 }
    }

    private func updated(_ item: Item?) throws -> Item? {
        guard let item, !updatedPaths.isEmpty else { return nil }
        return try Projection(updatedPaths).apply(to: item)
    }

    /// The write's capacity; `nil` if the request does not ask for it.
    func units(
        _ definition: TableDefinition, _ item: WrittenItem, _ localIndexes: [String]
    ) -> Capacity? {
        guard capacity != .none else { return nil }
        var units = Capacity(table)
        switch item {
        case .items(let old, let new):
            units.addWrite(definition, old, new, localIndexes: localIndexes)
        case .deletion(let old):
            units.addDelete(
                definition, old?.keys, byteCount: old?.byteCount ?? 0, localIndexes: localIndexes)
        }
        return units
    }

    /// The error of a failed write, with the stored item only if the request asks for it.
    func failure(_ error: CodexError, _ memory: DecodedMemory) -> ServiceError {
        if isInsert, error.code == .conditionFailed { return StatementRefusals.duplicateItem }
        var failure = ServiceError(error)
        if update != nil, let text = ExpressionMessages.text(ofUpdate: error) {
            failure = .validation(text)
        } else if update == .legacy, case .operandMismatch? = error.refusal {
            failure = .validation(ItemMessages.legacyTypeMismatch)
        }
        if returnsItemOnFailure { failure.items = FailureItems([error], memory) }
        return failure
    }
}

/// The parts of a single write's response, until the write is committed.
struct WriteOutcome: Sendable {
    /// The response with the attributes if they are large; their values are not in memory any more.
    private var written = ResponseWriter()
    /// Whether the response has the attributes.
    private var isWritten = false
    /// The attributes, if they are small.
    private var attributes: Item?
    private var form = WrittenForm.attributes
    /// The write's capacity; `nil` if the request does not ask for it.
    let units: Capacity?

    /// The size up to which attributes are written after the write, where the request started.
    private static let smallByteCount = 4 << 10

    /// Reserves the memory of the response's attributes, and writes large ones.
    ///
    /// - Throws: As ``ResponseWriter/reserve(_:)``.
    init(
        _ attributes: Item?, _ form: WrittenForm, _ units: Capacity?, _ memory: DecodedMemory,
        _ budget: RequestBudget
    ) throws {
        self.units = units
        self.form = form
        guard let attributes else { return }
        let byteCount = attributes.byteCount
        if byteCount <= Self.smallByteCount, memory.byteCount == 0 {
            self.attributes = attributes
            try budget.require(byteCount: byteCount)
        } else {
            try written.add(attributes, form, byteCount: byteCount, budget)
            try written.reserve(budget)
            isWritten = true
        }
    }

    /// Creates an outcome from attributes that are written and reserved.
    init(_ written: ResponseWriter, _ units: Capacity?) {
        (self.written, isWritten, self.units) = (written, true, units)
    }

    func response(_ capacity: Capacity.Detail) -> ResponseWriter {
        var response = written
        if !isWritten { response.add(attributes, form) }
        if let units { response.capacity(capacity) { units } }
        return response
    }
}

extension ResponseWriter {
    /// Writes the small attributes that a write returns.
    fileprivate mutating func add(_ attributes: Item?, _ form: WrittenForm) {
        switch (form, attributes) {
        case (.attributes, let attributes?): item("Attributes", attributes)
        case (.item, let attributes?): item("Item", attributes)
        case (.items, _): list("Items", attributes.map { [$0] } ?? []) { $0.typed($1) }
        case (.attributes, nil), (.item, nil): return
        }
    }

    /// Writes the large attributes that a write returns.
    ///
    /// - Throws: As ``reserve(_:)``.
    fileprivate mutating func add(
        _ attributes: Item, _ form: WrittenForm, byteCount: Int, _ budget: RequestBudget
    ) throws {
        switch form {
        case .attributes: try item("Attributes", attributes, byteCount: byteCount, budget)
        case .item: try item("Item", attributes, byteCount: byteCount, budget)
        case .items:
            member("Items") { $0.raw("[") }
            try value(attributes, byteCount: byteCount, budget)
            more { $0.raw("]") }
        }
    }
}
