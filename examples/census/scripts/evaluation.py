"""Judge the model by the test data that it has not seen."""

import json
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from sklearn.metrics import accuracy_score, classification_report, roc_auc_score

MODEL = Path("/opt/ml/processing/model/model.tar.gz")
TEST = Path("/opt/ml/processing/test")
EVALUATION = Path("/opt/ml/processing/evaluation/evaluation.json")


def load_model(archive: Path) -> Any:
    print(f"Extracting model from path: {archive}")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        print("Loading model")
        return joblib.load(Path(folder) / "model.joblib")


def main() -> None:
    model = load_model(MODEL)

    print("Loading test input data")
    features = pd.read_csv(TEST / "test_features.csv", header=None)
    labels = pd.read_csv(TEST / "test_labels.csv", header=None)[0]
    predictions = model.predict(features)

    print("Creating classification evaluation report")
    report = classification_report(labels, predictions, output_dict=True)
    report["accuracy"] = accuracy_score(labels, predictions)
    # of the predicted classes and not of probabilities, as in the example that this follows
    report["roc_auc"] = roc_auc_score(labels, predictions)
    print(f"Classification report:\n{report}")

    print(f"Saving classification report to {EVALUATION}")
    EVALUATION.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
