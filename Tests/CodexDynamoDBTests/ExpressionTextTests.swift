import Testing

/// The texts of refused expressions, word for word.
///
/// The sources of most texts, by their names here:
///
/// - conformance: `tests/tier3/error-messages` of nubo-db/dynamodb-conformance, recorded with the
///   service;
/// - dynalite: `test` and `db` of architect/dynalite, recorded with the service;
/// - alternator: `test/alternator` of scylladb/scylladb, which quotes the service;
/// - reference: DynamoDB's API reference, TransactWriteItems;
/// - local: the messages of DynamoDB Local.
@Suite("Texts of refused expressions")
struct ExpressionTextTests {
    /// A refused text, its message and where that is from.
    typealias Refused = (String, String, String)

    private static let names = ##""ExpressionAttributeNames":{"#a":"a","#c":"c","#d":"[3]"}"##
    private static let values =
        #""ExpressionAttributeValues":{":s":{"S":"x"},":n":{"N":"1"},":m":{"N":"2"},":l":{"L":[]}}"#

    private static let conditions: [Refused] = [
        ("", "The expression can not be empty;", "conformance"),
        (
            "foo", #"Syntax error; token: "<EOF>", near: "foo""#,
            "jacquev6/LowVoltage, recorded with the service"
        ),
        ("a = :s :n", #"Syntax error; token: ":n", near: ":s :n""#, "a quoted response"),
        ("a x b", #"Syntax error; token: "x", near: "a x b""#, "as the others"),
        (
            "a = :no",
            "An expression attribute value used in expression is not defined; attribute value: :no",
            "conformance"
        ),
        (
            "#no = :s",
            "An expression attribute name used in the document path is not defined; attribute name: #no",
            "conformance"
        ),
        (
            "name = :no", "Attribute name is a reserved keyword; reserved keyword: name",
            "conformance"
        ),
        (
            "((attribute_not_exists(a)))", "The expression has redundant parentheses;",
            "conformance"
        ),
        (
            "contains(#a, a)",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [a]",
            "conformance"
        ),
        (
            "attribute_type(a, :s)",
            "Invalid attribute type name found; type: x, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
            "dynalite"
        ),
        (
            "attribute_type(a, b)",
            "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
            "dynalite"
        ),
        (
            "attribute_type(a, :n)",
            "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
            "dynalite"
        ),
        (
            "size(:n) = :n",
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
            "dynalite"
        ),
        (
            "begins_with(a, :n)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
            "dynalite"
        ),
        (
            "size(a)",
            "The function is not allowed to be used this way in an expression; function: size",
            "alternator"
        ),
        (
            "a = contains(b, :s)",
            "The function is not allowed to be used this way in an expression; function: contains",
            "dynalite"
        ),
        (
            "attribute_exists(a) < :n",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
            "alternator"
        ),
        ("foo(a)", "Invalid function name; function: foo", "dynalite"),
        (
            "if_not_exists(a, :s)",
            "The function is not allowed in a condition expression; function: if_not_exists",
            "local"
        ),
        (
            "attribute_exists(a, b)",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
            "dynalite"
        ),
        (
            "attribute_exists(:s)",
            "Operator or function requires a document path; operator or function: attribute_exists",
            "dynalite"
        ),
        (
            "a BETWEEN :m AND :n",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
            "dynalite"
        ),
        (
            "a BETWEEN :s AND :n",
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {S:x}, upper bound operand: AttributeValue: {N:1}",
            "dynalite"
        ),
        (
            "a[99999999999] = :s",
            "List index is not within the allowable range; index: [99999999999]", "alternator"
        ),
        (
            "a\(String(repeating: ".b", count: 32)) = :s",
            "The document path has too many nesting levels; nesting levels: 33", "alternator"
        ),
        (
            "a IN (\([String](repeating: ":s", count: 101).joined(separator: ",")))",
            "The IN operator is provided with too many operands; number of operands: 101", "local"
        ),
        // The first condition with a problem counts.
        (
            "attribute_exists(a, b) AND c = :no",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
            "dynalite"
        ),
        (
            "c = :no AND attribute_exists(a, b)",
            "An expression attribute value used in expression is not defined; attribute value: :no",
            "dynalite"
        ),
        (
            "c = c AND d = :no",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [c]",
            "dynalite"
        ),
        // A misused function counts before a reserved word, and that before an undefined value.
        (
            "name = :no AND size(a)",
            "The function is not allowed to be used this way in an expression; function: size",
            "dynalite"
        ),
    ]

    private static let overlap =
        "Two document paths overlap with each other; must remove or rewrite one of these paths; "
    private static let conflict =
        "Two document paths conflict with each other; must remove or rewrite one of these paths; "

    private static let updates: [Refused] = [
        ("", "The expression can not be empty;", "conformance"),
        (
            "INVALID SYNTAX HERE", #"Syntax error; token: "INVALID", near: "INVALID SYNTAX""#,
            "conformance"
        ),
        ("SET path = VALUE 1", #"Syntax error; token: "1", near: "VALUE 1""#, "getmoto/moto"),
        (
            "SET a = :no",
            "An expression attribute value used in expression is not defined; attribute value: :no",
            "conformance"
        ),
        (
            "SET #no = if_not_exists(:no)",
            "An expression attribute name used in the document path is not defined; attribute name: #no",
            "dynalite"
        ),
        (
            " remove Absolute ", "Attribute name is a reserved keyword; reserved keyword: Absolute",
            "dynalite"
        ),
        (
            "set #no = if_not_exist(:no) set c = d",
            "Invalid function name; function: if_not_exist",
            "dynalite"
        ),
        (
            "set a = #no set c = :d",
            #"The "SET" section can only be used once in an update expression;"#, "dynalite"
        ),
        (
            "delete #d :e set a = b delete #e :f",
            #"The "DELETE" section can only be used once in an update expression;"#, "dynalite"
        ),
        (
            "set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)",
            "\(overlap)path one: [c, [1], a], path two: [c]", "dynalite"
        ),
        (
            "set c.b.#c = a, c = a, #d = a", "\(overlap)path one: [c, b, c], path two: [c]",
            "dynalite"
        ),
        ("set a = b remove a, #c, #d", "\(overlap)path one: [a], path two: [a]", "dynalite"),
        ("remove c, #c.a, #d", "\(overlap)path one: [c], path two: [c, a]", "dynalite"),
        ("remove c, #c.b, c.a", "\(overlap)path one: [c], path two: [c, b]", "dynalite"),
        (
            "remove a.#c set a[1] = #d", "\(conflict)path one: [a, c], path two: [a, [1]]",
            "dynalite"
        ),
        (
            "set b = list_append(:s, a), c = if_not_exists(a) add a.b :s",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
            "dynalite"
        ),
        (
            "delete a.b :l",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: LIST",
            "dynalite"
        ),
        (
            "delete a.b :n",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
            "dynalite"
        ),
        (
            "set a = if_not_exists(c)",
            "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
            "dynalite"
        ),
        (
            "set a = if_not_exists(if_not_exists(a, b), c)",
            "Operator or function requires a document path; operator or function: if_not_exists",
            "dynalite"
        ),
        (
            "set a = list_append(a, :n)",
            "Incorrect operand type for operator or function; operator or function: list_append, operand type: N",
            "dynalite"
        ),
        (
            "set a = :s - :l",
            "Incorrect operand type for operator or function; operator or function: -, operand type: S",
            "dynalite"
        ),
        (
            "SET a = list_append(list_append(a, :l), :l)",
            "The function is not allowed to be used this way in an expression; function: list_append",
            "alternator"
        ),
        (
            "SET a = size(b)",
            "The function is not allowed in an update expression; function: size", "local"
        ),
    ]

    /// Updates that are all syntax errors; dynalite.
    private static let malformed = [
        "whatever", "set a", "add a", "delete a", "set a=set", "remove a = b", "add a = b",
        "delete a = b", "delete a b", "delete a if_not_exist(b)", "add abort b",
        "add a if_not_exist(b)", "remove a b", "set a b", "set :a = b", "add :a b", "delete :a b",
        "remove :a", "set a = b / c", "set a = b * c", "set a[1] = 1",
        "SET a = if_not_exist(a, 100)", "SET if_not_exist(a, b) = a", "set (a = (b + c))",
        "set a = (b.c).d + e", "set a = (b.c)[0] + e", "set a = b + c + d",
    ]

    @Test("Conditions and filters", arguments: conditions)
    func condition(text: String, message: String, source: String) async throws {
        let bench = try await ProtocolBench()
        let rest = "\(Self.names),\(Self.values)"
        try await bench.refuses(
            "Invalid ConditionExpression: \(message)", "PutItem",
            #"{"TableName":"ttt","Item":{"p":{"S":"a"}},"ConditionExpression":"\#(text)",\#(rest)}"#
        )
        try await bench.refuses(
            "Invalid FilterExpression: \(message)", "Scan",
            #"{"TableName":"ttt","FilterExpression":"\#(text)",\#(rest)}"#)
    }

    @Test("Updates", arguments: updates)
    func update(text: String, message: String, source: String) async throws {
        let bench = try await ProtocolBench()
        try await bench.refuses(
            "Invalid UpdateExpression: \(message)", "UpdateItem",
            #"{"TableName":"ttt","Key":{"p":{"S":"a"}},"UpdateExpression":"\#(text)",\#(Self.names),\#(Self.values)}"#
        )
    }

    @Test("Updates that are no updates")
    func syntax() async throws {
        let bench = try await ProtocolBench()
        for text in Self.malformed {
            let answer = try await bench.ask(
                "UpdateItem",
                #"{"TableName":"ttt","Key":{"p":{"S":"a"}},"UpdateExpression":"\#(text)"}"#)
            #expect(answer.type == "ValidationException", "\(text)")
            #expect(answer.message.hasPrefix("Invalid UpdateExpression: Syntax error; "), "\(text)")
        }
    }

    // MARK: Placeholders

    @Test("Placeholders: malformed ones, unused ones, and those without expressions")
    func placeholders() async throws {
        let bench = try await ProtocolBench()
        let put = #""TableName":"ttt","Item":{"p":{"S":"a"}}"#
        // conformance and dynalite, all of them.
        for (rest, message) in [
            (
                ##""ConditionExpression":"a = :v","ExpressionAttributeNames":{"#b":"b"},"ExpressionAttributeValues":{":v":{"S":"a"}}"##,
                "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}"
            ),
            (
                #""ConditionExpression":"a = :v","ExpressionAttributeValues":{":v":{"S":"a"},":w":{"S":"a"}}"#,
                "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"
            ),
            (
                #""ExpressionAttributeValues":{":v":{"S":"a"}}"#,
                "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"
            ),
            (
                ##""ExpressionAttributeNames":{"#b":"b"}"##,
                "ExpressionAttributeNames can only be specified when using expressions"
            ),
            (
                #""ConditionExpression":"","ExpressionAttributeNames":{}"#,
                "ExpressionAttributeNames must not be empty"
            ),
            (
                #""ConditionExpression":"","ExpressionAttributeValues":{}"#,
                "ExpressionAttributeValues must not be empty"
            ),
            (
                #""ConditionExpression":"","ExpressionAttributeNames":{"a":"a"}"#,
                #"ExpressionAttributeNames contains invalid key: Syntax error; key: "a""#
            ),
            (
                #""ConditionExpression":"","ExpressionAttributeValues":{"b":{"S":"a"}}"#,
                #"ExpressionAttributeValues contains invalid key: Syntax error; key: "b""#
            ),
            (
                #""ConditionExpression":"","ExpressionAttributeValues":{":b":{"N":"x"}}"#,
                "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :b"
            ),
            (
                #""ConditionExpression":"attribute_not_exists(p)","Expected":{"p":{"Exists":false}}"#,
                "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}"
            ),
        ] {
            try await bench.refuses(message, "PutItem", "{\(put),\(rest)}")
        }
        #expect(try await bench.items().isEmpty)
    }

    // MARK: Stored items

    private static let item =
        #"{"p":{"S":"a"},"s":{"S":"x"},"n":{"N":"9e125"},"ns":{"NS":["1"]},"m":{"M":{}},"l":{"L":[{"S":"a"}]}}"#
    private static let wrongType = "An operand in the update expression has an incorrect data type"
    private static let missing =
        "The provided expression refers to an attribute that does not exist in the item"
    private static let wrongPath =
        "The document path provided in the update expression is invalid for update"
    private static let keyUpdate =
        "One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key"

    /// Updates that the item does not allow, with the value of `:v`.
    private static let impossible: [(text: String, value: String, message: String)] = [
        ("DELETE ns :v", #"{"SS":["1"]}"#, wrongType), ("DELETE n :v", #"{"NS":["1"]}"#, wrongType),
        ("ADD s :v", #"{"N":"1"}"#, wrongType), ("ADD m :v", #"{"NS":["1"]}"#, wrongType),
        ("SET e = s + :v", #"{"N":"1"}"#, wrongType), ("SET e = m - :v", #"{"N":"1"}"#, wrongType),
        ("SET e = list_append(ns, if_not_exists(f, :v))", #"{"L":[]}"#, wrongType),
        ("SET e = list_append(l, if_not_exists(f, :v))", #"{"S":"a"}"#, wrongType),
        ("SET e = list_append(l, l) + :v", #"{"N":"1"}"#, wrongType),
        ("SET e = f, g = :v", #"{"N":"1"}"#, missing),
        ("SET e = list_append(f, :v)", #"{"L":[]}"#, missing),
        ("SET e.x = :v", #"{"N":"1"}"#, wrongPath), ("SET e[1] = :v", #"{"N":"1"}"#, wrongPath),
        ("SET m[1] = :v", #"{"N":"1"}"#, wrongPath), ("SET l.x = :v", #"{"N":"1"}"#, wrongPath),
        ("ADD s.x :v", #"{"N":"1"}"#, wrongPath), ("DELETE e.x :v", #"{"SS":["1"]}"#, wrongPath),
        ("DELETE m[1] :v", #"{"SS":["1"]}"#, wrongPath),
        ("SET p = :v", #"{"S":"b"}"#, keyUpdate), ("ADD p.x :v", #"{"N":"1"}"#, keyUpdate),
        (
            "SET n = n + :v", #"{"N":"9e125"}"#,
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        ),
        (
            "SET e = p.x, f = :v", #"{"N":"1"}"#,
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: p"
        ),
    ]

    @Test("Updates that the stored item does not allow, alone and in a transaction")
    func storedItem() async throws {
        let bench = try await ProtocolBench()
        try await bench.ok("PutItem", #"{"TableName":"ttt","Item":\#(Self.item)}"#)
        let before = try ProtocolBench.text(try await bench.items())
        for update in Self.impossible {
            let body =
                #"{"TableName":"ttt","Key":{"p":{"S":"a"}},"UpdateExpression":"\#(update.text)","ExpressionAttributeValues":{":v":\#(update.value)}}"#
            try await bench.refuses(update.message, "UpdateItem", body)
            let answer = try await bench.ask(
                "TransactWriteItems", #"{"TransactItems":[{"Update":\#(body)}]}"#)
            #expect(answer.reasons == ["ValidationError: \(update.message)"], "\(update.text)")
        }
        #expect(try ProtocolBench.text(try await bench.items()) == before)
    }

    @Test("Keys of indexes in updates: what is known at once, and what the item shows")
    func indexKeys() async throws {
        let bench = try await ProtocolBench()
        let item = #"{"p":{"S":"a"},"s":{"S":"b"},"e":{"N":"1"},"o":{"S":""}}"#
        try await bench.ok("PutItem", #"{"TableName":"rrr","Item":\#(item)}"#)
        let mismatch =
            "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: gsi1"
        let scalars =
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: g"
        let empty =
            "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value."
        let long = #"{"S":"\#(String(repeating: "g", count: 2049))"}"#
        for (text, value, message) in [
            ("SET h = g[1], g = e + :v", #"{"N":"1"}"#, mismatch),
            ("SET d.a = e ADD g :v", #"{"N":"1"}"#, mismatch),
            ("ADD g.b :v", #"{"N":"1"}"#, scalars), ("SET g[1] = :v", #"{"N":"1"}"#, scalars),
            ("SET h = list_append(e, e), f = g[1], i = :v", #"{"N":"1"}"#, scalars),
            ("SET g = :v", #"{"S":""}"#, empty), ("SET g = o, h = :v", #"{"N":"1"}"#, empty),
            (
                "SET g = e, h = :v", #"{"N":"1"}"#,
                "The update expression attempted to update the secondary index key to unsupported type"
            ),
            (
                "SET g = :v", long,
                "The update expression attempted to update the secondary index key beyond allowed size limits"
            ),
        ] {
            try await bench.refuses(
                message, "UpdateItem",
                #"{"TableName":"rrr","Key":{"p":{"S":"a"},"s":{"S":"b"}},"UpdateExpression":"\#(text)","ExpressionAttributeValues":{":v":\#(value)}}"#
            )
        }
    }
}
