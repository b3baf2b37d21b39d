"""Train a logistic regression on the features."""

from pathlib import Path

import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression

TRAIN = Path("/opt/ml/processing/train")
MODEL = Path("/opt/ml/model")


def main() -> None:
    print("Reading input data")
    features = pd.read_csv(TRAIN / "train_features.csv", header=None)
    labels = pd.read_csv(TRAIN / "train_labels.csv", header=None)[0]

    print("Training LR model")
    model = LogisticRegression(class_weight="balanced", solver="lbfgs")
    model.fit(features, labels)

    path = MODEL / "model.joblib"
    print(f"Saving model to {path}")
    joblib.dump(model, path)


if __name__ == "__main__":
    main()
