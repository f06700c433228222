//! `schema`: prints the JSON Schemas of the YAML files and of the messages, which a test generates from the types that read and write them.

use clap::ValueEnum;

use crate::core::gateway::Implementation;
use crate::core::overlay::Overlay;
use crate::core::platform::Platform;
use crate::core::report::message::Message;
use crate::core::schema::read::Described;
use crate::core::spec::LargeScale;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;

/// Print the JSON Schema of a spec, platform, overlay or gateway file, or of messages
///
/// Editors use the schema to complete and check YAML. Programs read messages with --message-format json. The command reads and
/// writes no files.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Write the schema of largescale.yaml to a file
  kubectl largescale schema > largescale.schema.json

  # Print the schema of an overlay file
  kubectl largescale schema overlay")]
pub struct Args {
    /// Kind of file or output that the schema describes
    #[arg(value_enum, default_value_t, value_name = "KIND")]
    file: SchemaFile,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SchemaFile {
    /// largescale.yaml
    #[default]
    Spec,
    /// Platform file
    Platform,
    /// Overlay file
    Overlay,
    /// File about an implementation of the Gateway API
    Gateway,
    /// One line of --message-format json
    Message,
}

/// Prints the schema.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.file {
        SchemaFile::Spec => LargeScale::SCHEMA,
        SchemaFile::Platform => Platform::SCHEMA,
        SchemaFile::Overlay => Overlay::SCHEMA,
        SchemaFile::Gateway => Implementation::SCHEMA,
        SchemaFile::Message => Message::SCHEMA,
    };
    terminal::data(schema)?;
    Ok(Exit::Success)
}
