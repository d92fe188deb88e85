import ArgumentParser
import CodexCore
import CodexRemote
import Foundation

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Designs tables of DynamoDB for a schema, and compares them with it.",
        subcommands: [Show.self, Diff.self])

    /// The table of a schema.
    struct TableArguments: ParsableArguments {
        @Option(help: "The schema in JSON, as `stats --schema` prints it; CodexFlow's without it.")
        var schema: String?

        @Option(help: "The table; without it, the only one of the schema.")
        var table: String?

        @Flag(help: "The table has no stream of changes.")
        var withoutStream = false

        func design() throws -> RemoteTableDesign {
            let schema = try schema.map { try Schema(file: $0) } ?? CodexFlow.schema
            try schema.validate()
            guard let name = table ?? (schema.tables.count == 1 ? schema.tables[0].name : nil)
            else {
                throw CodexError(
                    .invalidArgument, "The schema has several tables. Name one with --table.")
            }
            return RemoteTableDesign(try schema.table(name), hasStream: !withoutStream)
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the request that creates the table, or a template.",
            discussion: """
                What DynamoDB lacks of the schema is listed on standard error: unique and \
                multi-valued indexes, for example.
                """)

        /// What is printed.
        enum Form: String, ExpressibleByArgument, CaseIterable {
            case request, cloudformation, terraform
        }

        @OptionGroup var target: TableArguments

        @Option(help: "CreateTable's JSON, or a template.")
        var form = Form.request

        func run() throws {
            let design = try target.design()
            for omission in design.omissions { Console.report(omission.description) }
            switch form {
            case .request: Console.print(json: design.creation)
            case .cloudformation: Console.print(lines: design.cloudFormation)
            case .terraform: Console.print(lines: design.terraform)
            }
        }
    }

    struct Diff: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compares a table of DynamoDB with the schema.",
            discussion: """
                The description is what `aws dynamodb describe-table` prints. It does not tell the \
                time to live, which is not compared. The exit code is 1 if the table differs.
                """)

        @OptionGroup var target: TableArguments

        @Argument(help: "The file with the description in JSON.")
        var file: String

        func run() throws {
            let design = try target.design()
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
            defer { try? handle.close() }
            let data = try handle.readToEnd() ?? Data()
            let found = try RemoteTableDescription(json: String(decoding: data, as: UTF8.self))
            let differences = design.differences(from: found)
            for difference in differences { Console.print(difference.description) }
            if !differences.isEmpty { throw ExitCode(1) }
            Console.print("no differences")
        }
    }
}
