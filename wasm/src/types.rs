//! How the values look to TypeScript.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = JSON)]
    pub(crate) fn parse(text: &str) -> JsValue;

    #[wasm_bindgen(js_namespace = JSON)]
    pub(crate) fn stringify(value: &JsValue) -> String;

    /// Files by path.
    #[wasm_bindgen(typescript_type = "Files")]
    pub type Files;

    /// Who is told something: a function.
    #[wasm_bindgen(typescript_type = "((flow: string) => void)")]
    pub type Tell;

    #[wasm_bindgen(method)]
    pub(crate) fn call(this: &Tell, itself: &JsValue, text: &str);

    /// What came of a scenario.
    #[wasm_bindgen(typescript_type = "RunResult")]
    pub type RunResult;

    /// What is wrong with a scenario.
    #[wasm_bindgen(typescript_type = "CheckResult")]
    pub type CheckResult;

    /// A scenario in its one form.
    #[wasm_bindgen(typescript_type = "FormatResult")]
    pub type FormatResult;

    /// What came of an entry.
    #[wasm_bindgen(typescript_type = "Answer")]
    pub type Answer;

    /// What may be written at a place.
    #[wasm_bindgen(typescript_type = "Completion")]
    pub type Completion;

    /// A list of texts.
    #[wasm_bindgen(typescript_type = "string[]")]
    pub type Texts;
}
