//! `schema`: the JSON Schemas of our forms, from the types that read them.

use clap::ValueEnum;

use crate::core::overlay::Overlay;
use crate::core::platform::Platform;
use crate::core::schema::read;
use crate::core::spec::LargeScale;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{format, terminal};

/// Print the JSON Schema of a form, for editors that complete and check YAML
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which form
    #[arg(value_enum, default_value_t)]
    form: Form,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Form {
    /// largescale.yaml
    #[default]
    Spec,
    /// A platform file
    Platform,
    /// An overlay file
    Overlay,
}

/// Prints the schema.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.form {
        Form::Spec => read::schema::<LargeScale>(),
        Form::Platform => Platform::schema(),
        Form::Overlay => Overlay::schema(),
    };
    terminal::data(&format::pretty(&schema))?;
    Ok(Exit::Success)
}
